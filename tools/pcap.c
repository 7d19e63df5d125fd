// SPDX-License-Identifier: GPL-2.0-only
#include "tools/pcap.h"

#include <byteswap.h>
#include <errno.h>
#include <string.h>

#define MAGIC_MICROSECONDS 0xa1b2c3d4U
#define MAGIC_NANOSECONDS  0xa1b23c4dU
#define LINK_ETHERNET	   1U
#define LINK_MASK	   0xffffU /* above it: whether frames end with a check sequence */

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t reserved[2];
	uint32_t snap_len;
	uint32_t link_type;
};

struct frame_header {
	uint32_t seconds, fraction;
	uint32_t captured, len;
};

static uint32_t number(const struct pcap *pcap, uint32_t value)
{
	return pcap->swapped ? bswap_32(value) : value;
}

static bool is_magic(uint32_t magic)
{
	return magic == MAGIC_MICROSECONDS || magic == MAGIC_NANOSECONDS;
}

static const char *read_header(struct pcap *pcap)
{
	struct file_header header;

	if (fread(&header, sizeof(header), 1, pcap->file) != 1)
		return "is too short for a capture";
	pcap->swapped = !is_magic(header.magic);
	if (!is_magic(number(pcap, header.magic)))
		return "is no capture in the pcap format: convert it by 'tcpdump -r FILE -w OTHER'";
	if ((number(pcap, header.link_type) & LINK_MASK) != LINK_ETHERNET)
		return "is not a capture of Ethernet frames";
	return NULL;
}

const char *pcap_open(const char *path, struct pcap *ret)
{
	const char *wrong;

	ret->file = fopen(path, "rbe");
	if (!ret->file)
		return strerror(errno);
	wrong = read_header(ret);
	if (wrong)
		pcap_close(ret);
	return wrong;
}

int pcap_next(struct pcap *pcap, struct pcap_frame *ret)
{
	struct frame_header header;
	size_t read = fread(&header, 1, sizeof(header), pcap->file);

	if (read == 0)
		return ferror(pcap->file) ? -1 : 0;
	ret->len = number(pcap, header.captured);
	if (read < sizeof(header) || ret->len > sizeof(ret->bytes) || ret->len != number(pcap, header.len))
		return -1;
	return fread(ret->bytes, 1, ret->len, pcap->file) == ret->len ? 1 : -1;
}

void pcap_close(struct pcap *pcap)
{
	(void)fclose(pcap->file); /* it was only read */
}
