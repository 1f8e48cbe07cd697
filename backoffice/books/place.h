/* Where halls were. */
#ifndef BACKOFFICE_BOOKS_PLACE_H
#define BACKOFFICE_BOOKS_PLACE_H

/* SQL that joins rows of a hall and a day with where the hall was on that day, h (sql/014_places.sql): what counts in a
 * place stays there when the hall moves. */
#define JOIN_PLACE(hall_column, day)                                                                         \
        " JOIN hall_place h ON h.hall = " hall_column " AND h.from_on <= " day " AND h.until_on > " day

#endif
