<?php
// The PHP verifier of JovePay's guide and, in the form raw, that of JovePay's
// shop plugins. Reads one notification a line: form, secret, signature and
// body, the last in base64. Answers whether it is genuine.

function sort_keys(array &$array): void
{
    ksort($array);
    foreach (array_keys($array) as $key) {
        if (is_array($array[$key])) {
            sort_keys($array[$key]);
        }
    }
}

while (($line = fgets(STDIN)) !== false) {
    [$form, $secret, $signature, $encoded] = explode(' ', trim($line));
    $body = base64_decode($encoded);
    if ($form === 'raw') {
        $mac = hash_hmac('sha256', $body, trim($secret));
    } else {
        $data = json_decode($body, true);
        sort_keys($data);
        $mac = hash_hmac('sha512', json_encode($data, JSON_UNESCAPED_SLASHES), trim($secret));
    }
    echo hash_equals($mac, $signature) ? "genuine\n" : "forged\n";
}
