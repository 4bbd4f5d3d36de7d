// The Node verifier of JovePay's guide, applied to raw bodies.
//
//   node verifier.js texts          one base64 body per line → the texts that it signs
//   node verifier.js time N SECRET  one base64 body → nanoseconds for one verification
'use strict';
const crypto = require('crypto');

function sorted(value, keepArrays) {
  if (keepArrays && Array.isArray(value)) {
    return value.map((item) => (item && typeof item === 'object' ? sorted(item, true) : item));
  }
  const result = {};
  for (const name of Object.keys(value).sort()) {
    const item = value[name];
    result[name] = item && typeof item === 'object' ? sorted(item, keepArrays) : item;
  }
  return result;
}

const text = (body, keepArrays) => JSON.stringify(sorted(JSON.parse(body.toString('utf8')), keepArrays));
const sign = (body, secret) => crypto.createHmac('sha512', secret).update(text(body, false)).digest('hex');

function attempt(body, keepArrays) {
  try {
    return '=' + Buffer.from(text(body, keepArrays), 'utf8').toString('base64');
  } catch {
    return '-';
  }
}

const [mode, count, secret] = process.argv.slice(2);
const lines = require('readline').createInterface({ input: process.stdin, crlfDelay: Infinity });
lines.on('line', (line) => {
  const body = Buffer.from(line, 'base64');
  if (mode === 'texts') {
    console.log('js ' + attempt(body, false) + ' js-arrays ' + attempt(body, true));
    return;
  }
  const signature = sign(body, secret);
  const begun = process.hrtime.bigint();
  for (let i = 0; i < count; i++) {
    if (sign(body, secret) !== signature) throw new Error('mismatch');
  }
  console.log(Number(process.hrtime.bigint() - begun) / count);
});
