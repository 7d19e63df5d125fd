// SPDX-License-Identifier: GPL-2.0-only
#include "tests/oracle/generate.h"

#define ETHERNET_LEN 14
#define HEADERS	     96 /* about so far, headers stand */

static uint8_t *any_byte(struct chance *chance, struct frame *frame)
{
	size_t reach = frame->len < HEADERS ? frame->len : HEADERS;

	/* Seldom of the MAC addresses, which nobody looks at. */
	if (reach > 12 && chance_percent(chance, 95))
		return frame_data(frame) + 12 + chance_below(chance, reach - 12);
	return frame_data(frame) + chance_below(chance, reach);
}

static void flip_bit(struct chance *chance, struct frame *frame)
{
	uint8_t *byte = any_byte(chance, frame);

	*byte = (uint8_t)(*byte ^ 1U << chance_below(chance, 8));
}

static void set_byte(struct chance *chance, struct frame *frame)
{
	static const uint8_t values[] = {0,  1,	 4,  5,	 6,  8,	  17,  20,   40,   43,	 44,   47,  51,
					 58, 59, 60, 64, 80, 132, 136, 0x45, 0x46, 0x4f, 0x60, 135, 255};

	*any_byte(chance, frame) = CHANCE_OF(chance, values);
}

static void nudge(struct chance *chance, struct frame *frame)
{
	uint8_t *byte = any_byte(chance, frame);

	*byte = (uint8_t)(*byte + chance_below(chance, 9) - 4);
}

static void truncate_frame(struct chance *chance, struct frame *frame)
{
	size_t reach = frame->len < HEADERS ? frame->len : HEADERS;

	frame->len = ETHERNET_LEN + chance_below(chance, reach - ETHERNET_LEN + 1);
}

static void extend(struct chance *chance, struct frame *frame)
{
	size_t more = 1 + chance_below(chance, 64);

	if (frame->len + more > GENERATED_FRAME_MAX)
		return;
	for (uint8_t *byte = frame_push(frame, more); more--; byte++)
		*byte = (uint8_t)chance_next(chance);
}

/* A stretch moves up or down, so that headers stand where others are expected. */
static void shift(struct chance *chance, struct frame *frame)
{
	size_t by = 1 + chance_below(chance, 8), at = ETHERNET_LEN + chance_below(chance, 60);

	if (at + by >= frame->len)
		return;
	if (chance_percent(chance, 50)) {
		memmove(frame_data(frame) + at, frame_data(frame) + at + by, frame->len - at - by);
		frame->len -= by;
	} else if (frame->len + by <= GENERATED_FRAME_MAX) {
		(void)frame_push(frame, by);
		memmove(frame_data(frame) + at + by, frame_data(frame) + at, frame->len - at - by);
	}
}

void generate_mutation(struct chance *chance, struct frame *frame)
{
	static void (*const ways[])(struct chance *, struct frame *) = {
		flip_bit, flip_bit, flip_bit, set_byte, set_byte, nudge, nudge, truncate_frame, extend, shift,
	};

	for (size_t times = 1 + chance_below(chance, 3); times; times--)
		CHANCE_OF(chance, ways)(chance, frame);
}
