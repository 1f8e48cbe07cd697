/*
 * What the ATM did, for `atmctl reconcile` (docs/protocol.md, An ATM's journal): a line is in the file before the message leaves that it tells of. Beside it
 * the dispenser's counter.
 */
'use strict';
const { createHmac } = require('crypto');
const fs = require('fs');
const path = require('path');
const { keep, rows } = require('./keys');

/* CRC-32 of ISO 3309: Node's own is younger than the Node of Debian 12. */
function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0xedb88320 : crc >>> 1;
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, '0');
}

class Journal {
  /* A new file in the folder, which is the terminal's own; tokenKeyFile has the key of card tokens. */
  constructor(folder, terminal, tokenKeyFile) {
    this.terminal = terminal;
    this.counterFile = path.join(folder, 'dispensers.csv');
    this.tokenKey = Buffer.from(fs.readFileSync(tokenKeyFile, 'utf8').trim(), 'hex');
    fs.mkdirSync(folder, { recursive: true });
    for (let number = 1; this.file === undefined; number++) {
      try {
        this.file = fs.openSync(path.join(folder, `atmsim-${String(number).padStart(6, '0')}.journal`), 'wx');
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
    }
    fs.writeSync(this.file, 'atmsim journal 1\n');
  }

  write(...words) {
    const line = words.join(' ');
    fs.writeSync(this.file, `${line} ${crc32(Buffer.from(line))}\n`);
    fs.fsyncSync(this.file);
  }

  /* Cash has left the dispenser: what there has been of it in all. */
  counted(amount) {
    const before = fs.existsSync(this.counterFile) ? Number(rows(this.counterFile)[0].counted_yen) : 0;
    keep(this.counterFile, { terminal: this.terminal, counted_yen: before + amount });
  }

  /* What stands for a card: a token and the digits that may be shown. */
  card(pan) {
    const token = createHmac('sha256', this.tokenKey).update(pan).digest('hex').slice(0, 32);
    return `${token} ${pan.slice(0, 6)}${'*'.repeat(pan.length - 10)}${pan.slice(-4)}`;
  }
}

module.exports = { Journal };
