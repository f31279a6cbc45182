<?php
// What a script is told in headers.
header('Content-Type: text/plain; charset=utf-8');
foreach ($_SERVER as $name => $value) {
    if (str_starts_with($name, 'HTTP_')) {
        echo strtr(substr($name, 5), '_', '-'), ': ', $value, "\n";
    }
}
