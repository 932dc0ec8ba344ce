//! The program's name in messages. They propose commands as the documentation writes them, `cargo tgen X`. A user who
//! called the program by another name may have no cargo, so the printer shows the name that was called.
//!
//! Files and the reports of CI services keep `cargo tgen`: a team shares them.

use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

/// A name by which the program can be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProgramName {
    /// As a subcommand of cargo.
    CargoSubcommand,
    /// The executable that cargo looks for.
    CargoTgen,
    /// The short name.
    Tgen,
}

static CALLED: OnceLock<ProgramName> = OnceLock::new();

impl ProgramName {
    const ALL: [Self; 3] = [Self::CargoSubcommand, Self::CargoTgen, Self::Tgen];

    /// The name in a call: `executable` is its first word.
    pub(crate) fn of_executable(executable: &Path) -> Self {
        let stem = executable.file_stem();
        let is_called = |name: &Self| stem.is_some_and(|stem| stem == name.text());
        Self::ALL.into_iter().find(is_called).unwrap_or(Self::CargoSubcommand)
    }

    /// As a user writes it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::CargoSubcommand => "cargo tgen",
            Self::CargoTgen => "cargo-tgen",
            Self::Tgen => "tgen",
        }
    }

    /// A message, or a command alone, with this name. In a message, commands stand in backticks; the same words without
    /// them may be quoted from a user's file.
    fn in_message(self, message: &str) -> Cow<'_, str> {
        const IN_MESSAGE: &str = "`cargo tgen ";
        if self == Self::CargoSubcommand {
            return message.into();
        }
        if let Some(arguments) = message.strip_prefix("cargo tgen ") {
            return format!("{} {arguments}", self.text()).into();
        }
        message.replace(IN_MESSAGE, &format!("`{} ", self.text())).into()
    }

    /// Lets messages use this name, in the whole process.
    pub(super) fn use_in_messages(self) {
        // A process is called once, so a second name cannot differ.
        CALLED.set(self).ok();
    }
}

/// A message, or a command alone, that names the program as the user called it.
pub(crate) fn as_called(message: &str) -> Cow<'_, str> {
    CALLED.get().map_or(Cow::Borrowed(message), |name| name.in_message(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(executable: &str, expected: &str) {
        let name = ProgramName::of_executable(executable.as_ref());
        assert_eq!(name.in_message("run `cargo tgen check`, not cargo tgen"), expected);
    }

    #[test]
    fn a_proposed_command_has_the_name_that_was_called() {
        check("/usr/bin/tgen", "run `tgen check`, not cargo tgen");
        check("cargo-tgen", "run `cargo-tgen check`, not cargo tgen");
        check("renamed", "run `cargo tgen check`, not cargo tgen");
        assert_eq!(ProgramName::Tgen.in_message("cargo tgen explain x.py"), "tgen explain x.py");
        check("", "run `cargo tgen check`, not cargo tgen");
    }
}
