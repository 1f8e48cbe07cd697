/*
 * The ATMs' clock: the laboratory's, that stands still at times, so that customers of a clock that runs fast come no
 * faster than the machine serves them. It is behind the laboratory's by what it has stood; that one runs on for the
 * other programs, which take a request's moment from DE 7.
 */
#ifndef ATMSIM_FLEET_CLOCK_H
#define ATMSIM_FLEET_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/clock.h"

struct fleet_clock {
        struct business_clock laboratory;
        int64_t stood_ms;  /* real ones, in all the stands that are over */
        int64_t stands_ms; /* the real moment at which the present stand began, where stands */
        bool stands;
        int64_t read_ms; /* the latest business moment that anybody was told */
};

void fleet_clock_init(struct fleet_clock *clock, const struct business_clock *laboratory);
/* Never earlier than what was told before. */
int64_t fleet_clock_business_ms(struct fleet_clock *clock, int64_t real_ms);
/* The real moment at which it comes, or came, to `business_ms`, if it does not stand from now on. */
int64_t fleet_clock_real_at(const struct fleet_clock *clock, int64_t business_ms);
/* It stands at business_ms, which may have gone by already since somebody looked. */
void fleet_clock_stop(struct fleet_clock *clock, int64_t business_ms);
/* It goes on from there. */
void fleet_clock_go_on(struct fleet_clock *clock, int64_t real_ms);

#endif
