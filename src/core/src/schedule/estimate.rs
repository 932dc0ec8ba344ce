//! A number with where it comes from.

use std::fmt;

/// A number that is stated, learnt or guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate<T> {
    /// The number.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The configuration says so.
    Stated,
    /// Earlier runs of the same test took as much.
    Learnt {
        /// How many of them.
        samples: usize,
    },
    /// The last run had too little memory: twice what it had.
    OutOfMemory,
    /// Earlier runs of another batch size or of the family's other models.
    Estimated,
    /// Nothing is known.
    Default,
}

impl Origin {
    /// Whether the number is what the job needs, and not a guess that may be far off.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self, Self::Stated | Self::Learnt { .. } | Self::OutOfMemory)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stated => formatter.write_str("stated"),
            Self::Learnt { samples } => write!(formatter, "learnt n={samples}"),
            Self::OutOfMemory => formatter.write_str("doubled after out of memory"),
            Self::Estimated => formatter.write_str("estimated"),
            Self::Default => formatter.write_str("default"),
        }
    }
}

impl<T> Estimate<T> {
    /// A number that the configuration states.
    #[must_use]
    pub const fn stated(value: T) -> Self {
        Self { value, origin: Origin::Stated }
    }

    /// A number to use while nothing is known.
    #[must_use]
    pub const fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// Converts the number, and keeps its origin.
    #[must_use]
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Estimate<U> {
        Estimate { value: convert(self.value), origin: self.origin }
    }
}
