<?php
// The PHP verifier of JovePay's guide, up to the text that it signs. Reads one
// body a line, in base64, and answers with the text in base64.

function sort_names(array &$value): void
{
    ksort($value);
    foreach ($value as &$item) {
        if (is_array($item)) {
            sort_names($item);
        }
    }
}

while (($line = fgets(STDIN)) !== false) {
    $body = json_decode(base64_decode(trim($line)), true, 512, JSON_THROW_ON_ERROR);
    sort_names($body);
    echo base64_encode(json_encode($body, JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR)), "\n";
    flush();
}
