//! Text as numbers: Python's `int("..")` and `float("..")`.
//!
//! `None` for what Python refuses, and for what has no exact native form: text that is not ASCII, ints beyond 64 bits.

/// Whether text can be read as a number, in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    /// It can.
    Yes,
    /// It cannot.
    No,
    /// Only Python knows.
    Unsure,
}

/// Whether `int(text)` gives a value, of any size.
pub(super) fn reads_as_int(text: &str) -> Read {
    if int(text, 10).is_some() {
        return Read::Yes;
    }
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    // Without so many digits it is not the size that is refused.
    if text.is_ascii() && digits(text) < 19 { none_of_ascii(text) } else { none_of_others(text) }
}

/// Whether `float(text)` gives a value.
pub(super) fn reads_as_float(text: &str) -> Read {
    match float(text) {
        Some(_) => Read::Yes,
        None if text.is_ascii() => none_of_ascii(text),
        None => none_of_others(text),
    }
}

/// Of ASCII text that has no form as a number here. The separators from 0x1c on are white space for some.
fn none_of_ascii(text: &str) -> Read {
    if text.bytes().any(|byte| matches!(byte, 0x1c..=0x1f)) { Read::Unsure } else { Read::No }
}

/// Of other text: other digits and white space are understood, letters never are.
fn none_of_others(text: &str) -> Read {
    let letter = |c: char| !c.is_ascii() && c.is_alphabetic() && !c.is_numeric();
    if text.chars().any(letter) { Read::No } else { Read::Unsure }
}

/// White space that numbers may have around them.
fn is_space(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ')
}

fn trimmed(text: &str) -> Option<&str> {
    text.is_ascii().then(|| text.trim_matches(|c: char| is_space(c as u8)))
}

/// `int(text, base)`, for bases from 2 to 36.
pub(super) fn int(text: &str, base: u32) -> Option<i64> {
    let text = trimmed(text)?;
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let prefix = match base {
        2 => Some('b'),
        8 => Some('o'),
        16 => Some('x'),
        _ => None,
    };
    let bytes = digits.as_bytes();
    let prefixed = prefix
        .is_some_and(|prefix| bytes.len() >= 2 && bytes[0] == b'0' && bytes[1].to_ascii_lowercase() == prefix as u8);
    // After a prefix there may be an underscore, as between digits.
    let digits = if prefixed { bytes[2..].strip_prefix(b"_").unwrap_or(&bytes[2..]) } else { bytes };
    digit_value(digits, base, negative)
}

fn digit_value(digits: &[u8], base: u32, negative: bool) -> Option<i64> {
    let mut value: i64 = 0;
    let mut after_digit = false;
    for byte in digits {
        if *byte == b'_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = i64::from(char::from(*byte).to_digit(base)?);
        value = value.checked_mul(i64::from(base))?;
        // Downwards for negative numbers, of which there is one more.
        value = if negative { value.checked_sub(digit)? } else { value.checked_add(digit)? };
        after_digit = true;
    }
    after_digit.then_some(value)
}

/// `float(text)`.
pub(super) fn float(text: &str) -> Option<f64> {
    let text = trimmed(text)?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN.copysign(if text.starts_with('-') { -1.0 } else { 1.0 }));
    }
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return text.parse().ok();
    }
    if !unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' | b'_')) {
        return None;
    }
    if !text.contains('_') {
        return text.parse().ok();
    }
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let between_digits = |at: usize| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
    if !(0..bytes.len()).all(|at| bytes[at] != b'_' || between_digits(at)) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_are_read_as_python_reads_them() {
        let good = [("  12_000 ", 12000), ("-9223372036854775808", i64::MIN), ("+7", 7), ("007", 7), ("\t\x0b1\n", 1)];
        for (text, value) in good {
            assert_eq!(int(text, 10), Some(value), "{text:?}");
        }
        for text in ["", " ", "+", "1__0", "_1", "1_", "+ 1", "1.0", "0x10", "9223372036854775808", "٣", "\x1c1", "1 2"]
        {
            assert_eq!(int(text, 10), None, "{text:?}");
        }
        let based =
            [("0xff", 16, 255), ("FF", 16, 255), ("0b_1", 2, 1), ("-0o17", 8, -15), ("z", 36, 35), ("0b1", 16, 177)];
        for (text, base, value) in based {
            assert_eq!(int(text, base), Some(value), "{text:?}");
        }
        for (text, base) in [("0x", 16), ("0x__1", 16), ("2", 2), ("0b1", 10)] {
            assert_eq!(int(text, base), None, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_from_what_only_python_reads() {
        for text in ["", "x", "1.5", "1__0", " - 1", "1 2", "é1", "+", "12ü"] {
            assert_eq!(reads_as_int(text), Read::No, "{text:?}");
        }
        for text in ["99999999999999999999", "\u{663}", "1\u{a0}", "\x1c1", "½", "-"] {
            let expected = if text == "-" { Read::No } else { Read::Unsure };
            assert_eq!(reads_as_int(text), expected, "{text:?}");
        }
        for text in ["", "x", "1e", "--1", "é", "1,5", "0x10"] {
            assert_eq!(reads_as_float(text), Read::No, "{text:?}");
        }
        for text in ["\u{663}.5", "1\u{2003}", "\x1f1"] {
            assert_eq!(reads_as_float(text), Read::Unsure, "{text:?}");
        }
        assert_eq!((reads_as_int(" 7 "), reads_as_float("nan")), (Read::Yes, Read::Yes));
    }

    #[test]
    fn floats_are_read_as_python_reads_them() {
        let good = [(" 1e5 ", 1e5), ("1_0.2_5", 10.25), (".5", 0.5), ("5.", 5.0), ("-Infinity", f64::NEG_INFINITY)];
        for (text, value) in good {
            assert_eq!(float(text), Some(value), "{text:?}");
        }
        assert_eq!(float("1e999"), Some(f64::INFINITY));
        assert_eq!(float("-0").map(f64::to_bits), Some((-0f64).to_bits()));
        assert!(float("-nan").is_some_and(|nan| nan.is_nan() && nan.is_sign_negative()));
        for text in ["", ".", "e5", "1e", "1_.5", "_1", "1e_5", "0x1p3", "--1", "infin", "1 2", "٣", "+-1", "\x1c1"] {
            assert_eq!(float(text), None, "{text:?}");
        }
    }
}
