<?php
header('Content-Type: text/plain; charset=utf-8');
echo "for signed-in visitors only: {$_SERVER['PATH_INFO']}\n";
