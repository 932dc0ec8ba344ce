//! Enums whose variants have a stable name and a sentence of documentation: one table feeds all three.

/// Declares an enum with `ALL`, `name` and `description`; the documentation of a variant is its description.
macro_rules! named_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $Enum:ident {
            $($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        $vis enum $Enum {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl $Enum {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name, as configuration, reports and file names have it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it is, in a sentence or two.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc, "\n",)+).trim_ascii(),)+ }
            }
        }
    };
}

pub(crate) use named_enum;
