/* What the module shows: the functions of document.h as one table. */
#include "lib/documents/document.h"

const struct document_functions document_functions = {
    .interface = DOCUMENT_INTERFACE,
    .create = document_new,
    .free = document_free,
    .title = document_title,
    .subtitle = document_subtitle,
    .status = document_status,
    .dash = document_dash,
    .footnote = document_footnote,
    .footer = document_footer,
    .made = document_made,
    .table = document_table,
    .row = document_row,
    .chart = document_chart,
    .write = document_write,
};
