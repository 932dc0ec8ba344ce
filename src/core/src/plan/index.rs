//! What a plan's suites, models and templates are called by: an index each, so that none is taken for another.

/// Declares a type of index, for a `TiVec`.
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
    /// A suite of a plan.
    SuiteIndex
}
index! {
    /// A model of a plan.
    ModelIndex
}
index! {
    /// A template of a plan.
    TemplateIndex
}
