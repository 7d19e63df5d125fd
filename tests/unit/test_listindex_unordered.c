// SPDX-License-Identifier: GPL-2.0-only
/* test_listindex_unordered.c - test_listindex_plan.c, as on a processor that does not load in order */
#define LISTINDEX_LOADS_IN_ORDER 0
#include "userspace/core/listindex_room.c"

#include "tests/unit/test_listindex_plan.c"
