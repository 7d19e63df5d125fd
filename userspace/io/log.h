/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - one line per event to standard error, or to the journal where standard error is connected to it
 *
 * Lines to standard error carry the syslog level as sd-daemon(3) defines it ("<4>...") only when the journal
 * reads them. The level is process-wide: the one global besides a signal flag.
 */
#pragma once

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

void log_set_level(enum log_level level);
/* "error", "warning", "notice", "info", "debug"; -EINVAL. */
int log_level_parse(const char *text, enum log_level *ret);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)
