//! Amounts of memory, parsed and formatted. This module must not know what needs the memory.

use std::fmt;
use std::str::FromStr;

/// An amount of memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bytes(pub u64);

const UNITS: [(&str, u64); 8] = [
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KIB", 1 << 10),
    ("MIB", 1 << 20),
    ("GIB", 1 << 30),
    ("TIB", 1 << 40),
];

impl Bytes {
    /// An amount in gigabytes, as the configuration and plans state it. Negative values and NaN become 0.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast from a float saturates, and NaN becomes 0"
    )]
    pub fn from_gigabytes(gigabytes: f64) -> Self {
        Self((gigabytes * 1e9).ceil() as u64)
    }

    /// The amount in gigabytes.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact up to nine million gigabytes")]
    pub fn gigabytes(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The amount times a factor.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self::from_gigabytes(self.gigabytes() * factor)
    }
}

impl FromStr for Bytes {
    type Err = &'static str;

    /// Reads a number with a unit: `500MB`, `2GB`, `1.5 GiB`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ERROR: &str = "write it as a number with a unit, such as `500MB` or `2GB`";
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = UNITS.into_iter().find(|(name, _)| text[digits.len()..].eq_ignore_ascii_case(name));
        let (_, size) = unit.ok_or(ERROR)?;
        let amount = match digits.trim().split_once('.') {
            None => digits.trim().parse::<u64>().ok().and_then(|count| count.checked_mul(size)),
            Some((whole, fraction)) => with_fraction(whole, fraction, size),
        };
        amount.filter(|bytes| *bytes > 0).map(Self).ok_or(ERROR)
    }
}

/// A decimal number of units, such as `1.5` GB, in integer arithmetic, so that no rounding error appears.
fn with_fraction(whole: &str, fraction: &str, size: u64) -> Option<u64> {
    const MOST_DIGITS: usize = 9;
    if fraction.is_empty() || fraction.len() > MOST_DIGITS || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(size);
    let part = part / 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    whole.parse::<u64>().ok()?.checked_mul(size)?.checked_add(u64::try_from(part).ok()?)
}

impl fmt::Display for Bytes {
    /// About three significant digits and a decimal unit: `1.5 GB`, `850 MB`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
        let amount = self.0 as f64;
        let (value, unit) = match self.0 {
            0..1000 => return write!(formatter, "{} B", self.0),
            1000..1_000_000 => (amount / 1e3, "KB"),
            1_000_000..1_000_000_000 => (amount / 1e6, "MB"),
            1_000_000_000.. => (amount / 1e9, "GB"),
        };
        let digits = usize::from(value < 10.0);
        let text = format!("{value:.digits$}");
        write!(formatter, "{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_with_a_unit() {
        let read = |text: &str| Bytes::from_str(text).map(|bytes| bytes.0);
        assert_eq!(read("500MB"), Ok(500_000_000));
        assert_eq!(read("2 gb"), read("2000MB"));
        assert_eq!(read("1GiB"), Ok(1 << 30));
        assert_eq!(read("1.5GB"), Ok(1_500_000_000));
        for wrong in ["", "5", "GB", "0GB", "-1GB", "1.GB", "1.x GB", "99999999999TB", "1 PB", "1é"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_amount_is_shown_with_about_three_digits() {
        let shown: Vec<_> =
            [0, 999, 1500, 850_000_000, 1_500_000_000, 64_000_000_000].map(|bytes| Bytes(bytes).to_string()).into();
        assert_eq!(shown, ["0 B", "999 B", "1.5 KB", "850 MB", "1.5 GB", "64 GB"]);
    }

    #[test]
    fn gigabytes_lead_to_bytes_and_back() {
        assert_eq!(Bytes::from_gigabytes(0.5), Bytes(500_000_000));
        assert_eq!(Bytes::from_gigabytes(f64::NAN), Bytes(0));
        assert_eq!(Bytes::from_gigabytes(f64::INFINITY), Bytes(u64::MAX));
        assert!((Bytes(1_250_000_000).gigabytes() - 1.25).abs() < 1e-12);
    }
}
