<?php
// The copy of the tests keeps its pages in itself.
$conf['savedir'] = DOKU_INC . 'data';
