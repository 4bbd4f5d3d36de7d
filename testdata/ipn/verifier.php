<?php
// The PHP verifier of JovePay's guide, applied to raw bodies.
//
//   php verifier.php texts          one base64 body per line -> the text that it signs
//   php verifier.php time N SECRET  one base64 body -> nanoseconds for one verification

function sort_names(array &$value): void
{
    ksort($value);
    foreach (array_keys($value) as $name) {
        if (is_array($value[$name])) {
            sort_names($value[$name]);
        }
    }
}

function text(string $body): string|false
{
    $data = json_decode($body, true);
    sort_names($data);
    return json_encode($data, JSON_UNESCAPED_SLASHES);
}

function sign(string $body, string $secret): string
{
    return hash_hmac('sha512', text($body), trim($secret));
}

while (($line = fgets(STDIN)) !== false) {
    $body = base64_decode(trim($line));
    if ($argv[1] === 'texts') {
        try {
            echo 'php =' . base64_encode(text($body)) . "\n";
        } catch (TypeError) {
            echo "php -\n";
        }
        continue;
    }
    [, , $count, $secret] = $argv;
    $signature = sign($body, $secret);
    $begun = hrtime(true);
    for ($i = 0; $i < $count; $i++) {
        if (sign($body, $secret) !== $signature) {
            throw new Exception('mismatch');
        }
    }
    echo (hrtime(true) - $begun) / $count, "\n";
}
