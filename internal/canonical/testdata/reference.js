// The Node verifier of JovePay's guide, up to the text that it signs. Reads one
// body a line, in base64, and answers with two texts in base64: arrays turned
// into objects, as in the guide, and arrays kept.
'use strict';

function sorted(value, keepArrays) {
  if (!value || typeof value !== 'object') return value;
  if (keepArrays && Array.isArray(value)) return value.map((item) => sorted(item, true));
  const result = {};
  for (const name of Object.keys(value).sort()) result[name] = sorted(value[name], keepArrays);
  return result;
}

const encode = (value) => Buffer.from(JSON.stringify(value), 'utf8').toString('base64');

require('readline')
  .createInterface({ input: process.stdin, crlfDelay: Infinity })
  .on('line', (line) => {
    const body = JSON.parse(Buffer.from(line, 'base64').toString('utf8'));
    process.stdout.write(encode(sorted(body, false)) + ' ' + encode(sorted(body, true)) + '\n');
  });
