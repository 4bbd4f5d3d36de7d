// A shop in Node without dependencies: it creates a payment and waits for the
// signed notification that it has been paid. See README.md for how to run it.
import crypto from 'node:crypto';
import http from 'node:http';
const { JOVEPAY_BASE_URL, JOVEPAY_API_KEY, JOVEPAY_IPN_SECRET: notificationsKey } = process.env;

// The verifier of JovePay's guide, with a comparison in constant time.
const sortObject = (obj) => Object.keys(obj).sort().reduce((result, key) => {
  result[key] = (obj[key] && typeof obj[key] === 'object') ? sortObject(obj[key]) : obj[key];
  return result;
}, {});
function genuine(params, signature) {
  const hmac = crypto.createHmac('sha512', notificationsKey).update(JSON.stringify(sortObject(params))).digest('hex');
  return signature?.length === hmac.length && crypto.timingSafeEqual(Buffer.from(signature, 'latin1'), Buffer.from(hmac));
}

const shop = http.createServer(async (req, res) => {
  const params = await new Response(req).json().catch(() => null) ?? {}; // not JSON: not genuine
  const ok = genuine(params, req.headers['x-jovepay-sig']);
  res.writeHead(ok ? 200 : 401).end();
  console.log(ok ? `${params.order_id} is ${params.payment_status}` : 'not genuine: rejected');
  if (ok && params.payment_status === 'finished' && !params.parent_payment_id) shop.close(); // ship it
}).listen(0, '127.0.0.1', async () => {
  const ipn_callback_url = `http://127.0.0.1:${shop.address().port}/ipn`;
  const payment = await (await fetch(`${JOVEPAY_BASE_URL}/v1/payment`, {
    method: 'POST', headers: { 'x-api-key': JOVEPAY_API_KEY, 'content-type': 'application/json' },
    body: JSON.stringify({ price_amount: 49.99, price_currency: 'usd', pay_currency: 'btc', order_id: 'order-1001', ipn_callback_url }),
  })).json();
  console.log(`payment ${payment.payment_id}: send ${payment.pay_amount} btc to ${payment.pay_address}; notified at ${ipn_callback_url}`);
});
