<?php
// Hands the lines of its input to the verifier of docs/assertion.md.
require 'wechat_assertion.php';
while (($line = fgets(STDIN)) !== false) {
    $line = rtrim($line, "\n");
    if (strncmp($line, 'age ', 4) === 0) {
        $held = json_decode(file_get_contents(WECHAT_KEYS), true);
        $held['tried'] -= (int) substr($line, 4);
        $held['fetched'] -= (int) substr($line, 4);
        file_put_contents(WECHAT_KEYS, json_encode($held));
        echo "aged\n";
        continue;
    }
    $claims = wechat_claims($line);
    echo $claims === null ? "refused\n" : "ok $claims[openid] $claims[nickname]\n";
}
