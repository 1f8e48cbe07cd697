/*
 * Where a line may end within a text. Browsers and Pango end one between any two characters of Japanese; a reader of headings wants whole
 * words. No dictionary is needed for that: words of reports are written in kanji and katakana, and what joins them in hiragana or marks.
 */
#ifndef LIB_DOCUMENTS_BREAKS_H
#define LIB_DOCUMENTS_BREAKS_H

#include <stddef.h>

/*
 * The length of the first piece of a text that is not empty, blanks behind it included: no line should end within it. A piece ends
 *
 *      behind a blank, a mark (、。・～：；) or a closing bracket, before an opening one, before 第, and behind hiragana where kanji or katakana
 *      follow: 販売費及び|一般管理費, 2017年3月期|第3四半期, 1台1日当たり|売上高|（円）
 */
size_t breaks_piece(const char *text);

#endif
