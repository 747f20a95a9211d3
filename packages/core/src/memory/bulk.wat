;; Routines over many bytes, at the speed of C: see bulk.ts, which says where what lies.
(module
  (memory (export "memory") 3)

  ;; ---- CRC-64 of Jones, reflected --------------------------------------------------------------
  ;; Eight tables of 256 sums from 0 on: table k says what a byte with k zero bytes behind it does.

  (func (export "makeTables")
    (local $byte i32) (local $sum i64) (local $bit i32) (local $at i32)
    (loop $bytes
      (local.set $sum (i64.extend_i32_u (local.get $byte)))
      (local.set $bit (i32.const 8))
      (loop $bits
        (local.set $sum
          (i64.xor
            (i64.shr_u (local.get $sum) (i64.const 1))
            (i64.and
              (i64.const 0x95ac9329ac4bc9b5)
              (i64.sub (i64.const 0) (i64.and (local.get $sum) (i64.const 1))))))
        (br_if $bits (local.tee $bit (i32.sub (local.get $bit) (i32.const 1)))))
      (i64.store (i32.shl (local.get $byte) (i32.const 3)) (local.get $sum))
      (local.set $byte (i32.add (local.get $byte) (i32.const 1)))
      (br_if $bytes (i32.lt_u (local.get $byte) (i32.const 256))))
    ;; Each further table: one zero byte behind the sum that stands 256 places before.
    (loop $next
      (local.set $sum (i64.load (local.get $at)))
      (i64.store offset=2048 (local.get $at)
        (i64.xor
          (i64.shr_u (local.get $sum) (i64.const 8))
          (i64.load (i32.shl (i32.and (i32.wrap_i64 (local.get $sum)) (i32.const 255)) (i32.const 3)))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 14336)))))

  ;; What byte $index of $word looks up.
  (func $entry (param $word i64) (param $shift i64) (result i32)
    (i32.shl
      (i32.and (i32.wrap_i64 (i64.shr_u (local.get $word) (local.get $shift))) (i32.const 255))
      (i32.const 3)))

  ;; The sum in the 8 bytes at $sum goes on over the bytes from $at to $end.
  (func (export "crc64") (param $sum i32) (param $at i32) (param $end i32)
    (local $crc i64)
    (local.set $crc (i64.load (local.get $sum)))
    (block $short
      (loop $words
        (br_if $short (i32.gt_u (i32.add (local.get $at) (i32.const 8)) (local.get $end)))
        (local.set $crc (i64.xor (local.get $crc) (i64.load align=1 (local.get $at))))
        (local.set $crc
          (i64.xor
            (i64.xor
              (i64.xor
                (i64.load offset=14336 (call $entry (local.get $crc) (i64.const 0)))
                (i64.load offset=12288 (call $entry (local.get $crc) (i64.const 8))))
              (i64.xor
                (i64.load offset=10240 (call $entry (local.get $crc) (i64.const 16)))
                (i64.load offset=8192 (call $entry (local.get $crc) (i64.const 24)))))
            (i64.xor
              (i64.xor
                (i64.load offset=6144 (call $entry (local.get $crc) (i64.const 32)))
                (i64.load offset=4096 (call $entry (local.get $crc) (i64.const 40))))
              (i64.xor
                (i64.load offset=2048 (call $entry (local.get $crc) (i64.const 48)))
                (i64.load (call $entry (local.get $crc) (i64.const 56)))))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br $words)))
    (block $done
      (loop $bytes
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $crc
          (i64.xor
            (i64.shr_u (local.get $crc) (i64.const 8))
            (i64.load
              (call $entry
                (i64.xor (local.get $crc) (i64.load8_u (local.get $at)))
                (i64.const 0)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $bytes)))
    (i64.store (local.get $sum) (local.get $crc)))

  ;; ---- LZF: see lzf.ts for the form ------------------------------------------------------------

  ;; Copies eight bytes at a time: up to seven more are read, and written.
  (func $copy (param $to i32) (param $from i32) (param $count i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $to) (local.get $count)))
    (loop $words
      (i64.store align=1 (local.get $to) (i64.load align=1 (local.get $from)))
      (local.set $to (i32.add (local.get $to) (i32.const 8)))
      (local.set $from (i32.add (local.get $from) (i32.const 8)))
      (br_if $words (i32.lt_u (local.get $to) (local.get $end)))))

  ;; Instructions for the literal bytes from $at to $end; where they end, or -1 when that is beyond $limit.
  (func $literals (param $at i32) (param $end i32) (param $to i32) (param $limit i32) (result i32)
    (local $count i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $count (i32.sub (local.get $end) (local.get $at)))
        (if (i32.gt_u (local.get $count) (i32.const 32)) (then (local.set $count (i32.const 32))))
        (if (i32.gt_u (i32.add (i32.add (local.get $to) (i32.const 1)) (local.get $count)) (local.get $limit))
          (then (return (i32.const -1))))
        (i32.store8 (local.get $to) (i32.sub (local.get $count) (i32.const 1)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (call $copy (local.get $to) (local.get $at) (local.get $count))
        (local.set $to (i32.add (local.get $to) (local.get $count)))
        (local.set $at (i32.add (local.get $at) (local.get $count)))
        (br $next)))
    (local.get $to))

  ;; Added to where bytes with a hash were last seen: what earlier inputs left is too far back, then.
  (global $epoch (mut i32) (i32.const 8193))

  ;; Compresses the bytes from $start to $end to $to; where the result ends, or -1 beyond $limit.
  (func (export "compress") (param $start i32) (param $end i32) (param $to i32) (param $limit i32) (result i32)
    (local $base i32) (local $lastWord i32) (local $literal i32) (local $at i32) (local $word i32)
    (local $slot i32) (local $from i32) (local $longest i32) (local $length i32) (local $difference i64)
    (local $back i32)
    (if (i32.gt_u (global.get $epoch) (i32.const 0x7ff00000))
      (then
        (memory.fill (i32.const 16384) (i32.const 0) (i32.const 32768))
        (global.set $epoch (i32.const 8193))))
    (local.set $base (i32.sub (global.get $epoch) (local.get $start)))
    (global.set $epoch
      (i32.add
        (i32.add (global.get $epoch) (i32.const 8192))
        (i32.sub (local.get $end) (local.get $start))))
    (local.set $lastWord (i32.sub (local.get $end) (i32.const 4)))
    (local.set $literal (local.get $start))
    (local.set $at (local.get $start))
    (block $done
      (loop $next
        (br_if $done (i32.gt_s (local.get $at) (local.get $lastWord)))
        (local.set $word (i32.shl (i32.load align=1 (local.get $at)) (i32.const 8)))
        (local.set $slot
          (i32.shl
            (i32.shr_u (i32.mul (local.get $word) (i32.const 0x9e3779b1)) (i32.const 19))
            (i32.const 2)))
        (local.set $from (i32.sub (i32.load offset=16384 (local.get $slot)) (local.get $base)))
        (i32.store offset=16384 (local.get $slot) (i32.add (local.get $at) (local.get $base)))
        (if (i32.gt_u (i32.sub (local.get $at) (local.get $from)) (i32.const 8192))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $next)))
        (if (i32.ne (i32.shl (i32.load align=1 (local.get $from)) (i32.const 8)) (local.get $word))
          (then
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $next)))
        ;; How long is it the same? Bytes behind the end are compared as well, and not counted.
        (local.set $longest (i32.sub (local.get $end) (local.get $at)))
        (if (i32.gt_u (local.get $longest) (i32.const 264)) (then (local.set $longest (i32.const 264))))
        (local.set $length (i32.const 3))
        (block $differs
          (loop $same
            (local.set $difference
              (i64.xor
                (i64.load align=1 (i32.add (local.get $from) (local.get $length)))
                (i64.load align=1 (i32.add (local.get $at) (local.get $length)))))
            (br_if $differs (i64.ne (local.get $difference) (i64.const 0)))
            (local.set $length (i32.add (local.get $length) (i32.const 8)))
            (br_if $same (i32.lt_u (local.get $length) (local.get $longest)))))
        (if (i64.ne (local.get $difference) (i64.const 0))
          (then
            (local.set $length
              (i32.add (local.get $length)
                (i32.wrap_i64 (i64.shr_u (i64.ctz (local.get $difference)) (i64.const 3)))))))
        (if (i32.gt_u (local.get $length) (local.get $longest))
          (then (local.set $length (local.get $longest))))
        (if (i32.lt_u (local.get $literal) (local.get $at))
          (then
            (local.set $to
              (call $literals (local.get $literal) (local.get $at) (local.get $to) (local.get $limit)))
            (if (i32.eq (local.get $to) (i32.const -1)) (then (return (i32.const -1))))))
        (if (i32.gt_u (i32.add (local.get $to) (i32.const 3)) (local.get $limit))
          (then (return (i32.const -1))))
        (local.set $back (i32.sub (i32.sub (local.get $at) (local.get $from)) (i32.const 1)))
        (if (i32.lt_u (local.get $length) (i32.const 9))
          (then
            (i32.store8 (local.get $to)
              (i32.or
                (i32.shl (i32.sub (local.get $length) (i32.const 2)) (i32.const 5))
                (i32.shr_u (local.get $back) (i32.const 8)))))
          (else
            (i32.store8 (local.get $to)
              (i32.or (i32.const 224) (i32.shr_u (local.get $back) (i32.const 8))))
            (local.set $to (i32.add (local.get $to) (i32.const 1)))
            (i32.store8 (local.get $to) (i32.sub (local.get $length) (i32.const 9)))))
        (i32.store8 offset=1 (local.get $to) (local.get $back))
        (local.set $to (i32.add (local.get $to) (i32.const 2)))
        (local.set $at (i32.add (local.get $at) (local.get $length)))
        (local.set $literal (local.get $at))
        (br $next)))
    (call $literals (local.get $literal) (local.get $end) (local.get $to) (local.get $limit)))

  ;; Decompresses the bytes from $at to $end to $start; 1 when that fills just the bytes up to $stop.
  (func (export "decompress") (param $at i32) (param $end i32) (param $start i32) (param $stop i32) (result i32)
    (local $to i32) (local $control i32) (local $count i32) (local $from i32)
    (local.set $to (local.get $start))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $control (i32.load8_u (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if (i32.lt_u (local.get $control) (i32.const 32))
          (then
            (local.set $count (i32.add (local.get $control) (i32.const 1)))
            (if
              (i32.or
                (i32.gt_u (i32.add (local.get $at) (local.get $count)) (local.get $end))
                (i32.gt_u (i32.add (local.get $to) (local.get $count)) (local.get $stop)))
              (then (return (i32.const 0))))
            (call $copy (local.get $to) (local.get $at) (local.get $count))
            (local.set $at (i32.add (local.get $at) (local.get $count)))
            (local.set $to (i32.add (local.get $to) (local.get $count)))
            (br $next)))
        (local.set $count (i32.shr_u (local.get $control) (i32.const 5)))
        (if (i32.eq (local.get $count) (i32.const 7))
          (then
            (if (i32.eq (local.get $at) (local.get $end)) (then (return (i32.const 0))))
            (local.set $count (i32.add (local.get $count) (i32.load8_u (local.get $at))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))))
        (local.set $count (i32.add (local.get $count) (i32.const 2)))
        (if (i32.eq (local.get $at) (local.get $end)) (then (return (i32.const 0))))
        (local.set $from
          (i32.sub
            (i32.sub
              (local.get $to)
              (i32.or
                (i32.shl (i32.and (local.get $control) (i32.const 31)) (i32.const 8))
                (i32.load8_u (local.get $at))))
            (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (if
          (i32.or
            (i32.lt_s (local.get $from) (local.get $start))
            (i32.gt_u (i32.add (local.get $to) (local.get $count)) (local.get $stop)))
          (then (return (i32.const 0))))
        (if (i32.le_u (i32.add (local.get $from) (i32.const 8)) (local.get $to))
          (then
            (call $copy (local.get $to) (local.get $from) (local.get $count))
            (local.set $to (i32.add (local.get $to) (local.get $count)))
            (br $next)))
        ;; It repeats what it writes.
        (local.set $count (i32.add (local.get $to) (local.get $count)))
        (loop $bytes
          (i32.store8 (local.get $to) (i32.load8_u (local.get $from)))
          (local.set $to (i32.add (local.get $to) (i32.const 1)))
          (local.set $from (i32.add (local.get $from) (i32.const 1)))
          (br_if $bytes (i32.lt_u (local.get $to) (local.get $count))))
        (br $next)))
    (i32.eq (local.get $to) (local.get $stop))))
