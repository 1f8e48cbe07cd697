/* Who runs this program, as the trace of operators' acts names them. */
#ifndef ATMCTL_OPERATOR_H
#define ATMCTL_OPERATOR_H

/* The name of the machine's user; static room. */
const char *operator_name(void);

#endif
