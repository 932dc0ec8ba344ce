//! Typed indices for a plan's suites, models and templates, so that they cannot be mixed up.

/// Declares an index type for a `TiVec`.
macro_rules! index {
    ($(#[doc = $doc:literal])+ $Index:ident) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Index(usize);

        impl From<usize> for $Index {
            fn from(index: usize) -> Self {
                Self(index)
            }
        }

        impl From<$Index> for usize {
            fn from(index: $Index) -> Self {
                index.0
            }
        }
    };
}

index! {
    /// An index of a suite in a plan.
    SuiteIndex
}
index! {
    /// An index of a model in a plan.
    ModelIndex
}
index! {
    /// An index of a template in a plan.
    TemplateIndex
}
