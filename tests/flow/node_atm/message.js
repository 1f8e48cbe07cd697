/*
 * Messages of docs/protocol.md as the npm package iso_8583 packs and unpacks them: fields by number, binary ones as hexadecimal digits.
 *
 * What the package does here: the MTI, both bitmaps as raw bytes, and each field by a row of a table, most of them by its own table. What it
 * does not:
 * - Its rows for MACs are of half the length, and that for 53 of three times: ours stand below.
 * - It always writes both bitmaps, the second one empty if need be. atmd takes that, as MAC and all; so nothing is done about it.
 * - It makes no MACs. One is to cover what stands before it as it is on the line, so a message is packed with zeros in the MAC's place, and
 *   the MAC is put over them.
 * - Variable fields are text to it, written and read as UTF-8, so it has no form for 55, which is bytes. A field of fixed length may be
 *   binary; so 55 is told to it as one whose first three bytes are the digits of its length. To read one its length must be known first,
 *   and it is found by reading the message up to there.
 * - It reads what is cut off, or goes on behind its last field, without a word. So what it read is packed again and compared.
 * - Streams: it takes one whole message. Framing is in atm.js.
 */
'use strict';
const Iso = require('iso_8583');

const ICC = 55;
const bytes = (length, label) => ({ ContentType: 'b', Label: label, LenType: 'fixed', MaxLen: 2 * length });
const formats = {
  53: { ContentType: 'n', Label: 'Security related control information', LenType: 'fixed', MaxLen: 16 },
  64: bytes(8, 'MAC'),
  128: bytes(8, 'MAC'),
};
const SECOND_BITMAP = 12; /* where it begins */

function checked(result, what) {
  if (result.error) throw new Error(`${what}: ${result.error}`);
  return result;
}

/* pack({0: '0800', 7: ...}): the bytes behind the length. */
function pack(fields) {
  const given = { ...fields }, own = { ...formats };
  if (given[ICC]) {
    const digits = String(given[ICC].length / 2).padStart(3, '0');
    given[ICC] = Buffer.from(digits).toString('hex') + given[ICC];
    own[ICC] = bytes(given[ICC].length / 2, 'ICC data');
  }
  return checked(new Iso(given, own).getRawMessage(), 'packing');
}

/* With both bitmaps, as the package writes. */
function withBothBitmaps(message) {
  if (message[4] & 0x80) return message;
  const long = Buffer.concat([message.subarray(0, SECOND_BITMAP), Buffer.alloc(8), message.subarray(SECOND_BITMAP)]);
  long[4] |= 0x80;
  return long;
}

const readBy = (message, own) =>
  checked(new Iso({}, own).getIsoJSON(message, { lenHeader: false, bitmapEncoding: 'hex' }), 'unpacking');
const bitOf = field => [4 + (field - 1 >> 3), 0x80 >> (field - 1 & 7)];
const has = (message, field) => (message[bitOf(field)[0]] & bitOf(field)[1]) !== 0;

/* How many bytes 55 has, its length among them: what stands before it is read alone. */
function sizeOfIcc(message) {
  const before = Buffer.from(message);
  for (let field = ICC; field <= 128; field++) before[bitOf(field)[0]] &= ~bitOf(field)[1];
  const fields = readBy(before, formats);
  const at = pack(fields).length;
  return 3 + Number(message.toString('latin1', at, at + 3));
}

/* unpack(BYTES): the fields, 0 being the MTI. */
function unpack(bytesRead) {
  const message = withBothBitmaps(bytesRead), own = { ...formats };
  if (has(message, ICC)) own[ICC] = bytes(sizeOfIcc(message), 'ICC data');
  const fields = readBy(message, own);
  if (fields[ICC]) fields[ICC] = fields[ICC].slice(6);
  if (!pack(fields).equals(message)) throw new Error('a message with bytes too few or too many');
  return fields;
}

/* Tags of 48 and 62: two characters, three digits of length, value. */
const tag = (name, value) => name + String(value.length).padStart(3, '0') + value;

/* The values of a tag, in their order. */
function tagged(text = '', name) {
  const found = [];
  for (let at = 0; at < text.length;) {
    const length = Number(text.slice(at + 2, at + 5));
    if (text.slice(at, at + 2) === name) found.push(text.slice(at + 5, at + 5 + length));
    at += 5 + length;
  }
  return found;
}

module.exports = { pack, unpack, tag, tagged };
