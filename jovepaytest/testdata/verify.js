// The Node verifier of JovePay's guide. Reads one notification a line: form,
// secret, signature and body, the last in base64. Answers whether it is
// genuine. In the form js-arrays, which is not in the guide, arrays stay arrays.
'use strict';
const crypto = require('crypto');

function sortObject(value, keepArrays) {
  const sorted = (item) => (item && typeof item === 'object' ? sortObject(item, keepArrays) : item);
  if (keepArrays && Array.isArray(value)) return value.map(sorted);
  return Object.keys(value).sort().reduce((result, key) => {
    result[key] = sorted(value[key]);
    return result;
  }, {});
}

require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [form, secret, signature, body] = line.split(' ');
  const params = JSON.parse(Buffer.from(body, 'base64').toString('utf8'));
  const hmac = crypto.createHmac('sha512', secret);
  hmac.update(JSON.stringify(sortObject(params, form === 'js-arrays')));
  console.log(hmac.digest('hex') === signature ? 'genuine' : 'forged');
});
