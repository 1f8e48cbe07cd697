/*
 * What a card's chip says, and what its bank says to it: field 55, data of EMV in BER-TLV as hexadecimal digits. Nobody between them looks into it; there is no card here, so the cryptograms
 * are random.
 */
'use strict';
const { randomBytes } = require('crypto');

const CRYPTOGRAM = '9f26', CRYPTOGRAM_KIND = '9f27', AUTHENTICATION = '91', SCRIPTS = ['71', '72'], SCRIPT_RESULT = '9f5b';
const REQUEST = '80', ACCEPTED = '40';

const tlv = (tag, value) => tag + (value.length / 2).toString(16).padStart(2, '0') + value;
const random = length => randomBytes(length).toString('hex');

/* Tags and values, one behind the other: all lengths here are below 128. */
function tlvs(data) {
  const found = new Map();
  for (let at = 0; at < data.length;) {
    const tagEnd = at + ((parseInt(data.slice(at, at + 2), 16) & 0x1f) === 0x1f ? 4 : 2);
    const end = tagEnd + 2 + 2 * parseInt(data.slice(tagEnd, tagEnd + 2), 16);
    if (!(end <= data.length)) throw new Error('chip data that are cut off');
    found.set(data.slice(at, tagEnd), data.slice(tagEnd + 2, end));
    at = end;
  }
  return found;
}

/* With a request for `amount` yen, 12 digits. */
function asked(amount) {
  return tlv(CRYPTOGRAM, random(8)) + tlv(CRYPTOGRAM_KIND, REQUEST) + tlv('9f37', random(4)) + tlv('9f36', '0001') + tlv('95', '0000048000') +
    tlv('9c', '01') + tlv('9f02', amount) + tlv('5f2a', '0392');
}

/* The bank's answer: that it is the bank's, for this answer code, and whether it has a script. */
function checked(data, code) {
  const found = tlvs(data);
  const authentication = found.get(AUTHENTICATION) || '';
  if (Buffer.from(authentication.slice(16, 20), 'hex').toString() !== code) throw new Error('an authentication of another answer than the one that came');
  return SCRIPTS.some(tag => found.has(tag));
}

/* With the advice: the last cryptogram, and what became of a script. */
function reported(hasScript) {
  return (hasScript ? tlv(SCRIPT_RESULT, '2000000000') : '') + tlv(CRYPTOGRAM, random(8)) + tlv(CRYPTOGRAM_KIND, ACCEPTED);
}

module.exports = { asked, checked, reported };
