/* The suites of test_wire, in the order in which they run. */
#ifndef TESTS_FLOW_WIRE_SUITES_H
#define TESTS_FLOW_WIRE_SUITES_H

#include <check.h>

/* In a laboratory of a working day in June 2026, open at all hours, two instances. */
Suite *suite_framing(void);
Suite *suite_tls(void);
Suite *suite_format(void);
Suite *suite_rules(void);
Suite *suite_limits(void);
Suite *suite_repeats(void);
Suite *suite_states(void);
Suite *suite_losses(void); /* instances killed, PostgreSQL gone */

/* At the turn of 2016 and 2017, and in August 2015: real hours, a clock that runs a thousand times as fast.
 */
Suite *suite_new_year(void);
Suite *suite_before_2016(void);

/* Of a working day in June 2026, open at all hours, two instances, banks over links; it ends after midnight. */
Suite *suite_walk(void);

/* After those of one laboratory: what the ATMs know against what the database holds. */
Suite *suite_agreement(void);
/* Last, in every laboratory: the database by itself. */
Suite *suite_rest(void);

#endif
