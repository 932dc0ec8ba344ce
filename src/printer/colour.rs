//! Decides whether output has colour: by `--color`, else the environment, else the terminal. This module writes
//! nothing.

use anstream::ColorChoice;
use clap::ValueEnum;

/// The user's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ColorWhen {
    /// As the environment says, else on a terminal
    #[default]
    Auto,
    /// In a file or a pipe too
    Always,
    /// Not even on a terminal
    Never,
}

/// Sets the choice for every stream of this process.
pub(crate) fn decide(wanted: ColorWhen) {
    choice(wanted, |name| std::env::var(name).ok()).write_global();
}

/// `NO_COLOR` and `CLICOLOR_FORCE` are left to anstream, where the first one wins; both take precedence over other
/// tools' variables.
fn choice(wanted: ColorWhen, variable: impl Fn(&str) -> Option<String>) -> ColorChoice {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    match wanted {
        ColorWhen::Always => return ColorChoice::Always,
        ColorWhen::Never => return ColorChoice::Never,
        ColorWhen::Auto if given("NO_COLOR").is_some() || given("CLICOLOR_FORCE").is_some() => {
            return ColorChoice::Auto;
        }
        ColorWhen::Auto => {}
    }
    match (given("FORCE_COLOR").as_deref(), given("CARGO_TERM_COLOR").as_deref()) {
        (Some("0" | "false"), _) | (None, Some("never")) => ColorChoice::Never,
        (Some(_), _) | (None, Some("always")) => ColorChoice::Always,
        (None, _) => ColorChoice::Auto,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: ColorWhen, variables: &[(&str, &str)], expected: ColorChoice) {
        let variable = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(choice(wanted, variable), expected, "{variables:?}");
    }

    #[test]
    fn the_option_wins_over_the_environment() {
        check(ColorWhen::Always, &[("NO_COLOR", "1"), ("CARGO_TERM_COLOR", "never")], ColorChoice::Always);
        check(ColorWhen::Never, &[("FORCE_COLOR", "1")], ColorChoice::Never);
    }

    #[test]
    fn variables_of_cargo_and_of_other_tools_count() {
        check(ColorWhen::Auto, &[], ColorChoice::Auto);
        check(ColorWhen::Auto, &[("CARGO_TERM_COLOR", "always")], ColorChoice::Always);
        check(ColorWhen::Auto, &[("CARGO_TERM_COLOR", "never")], ColorChoice::Never);
        check(ColorWhen::Auto, &[("CARGO_TERM_COLOR", "auto")], ColorChoice::Auto);
        check(ColorWhen::Auto, &[("FORCE_COLOR", "1"), ("CARGO_TERM_COLOR", "never")], ColorChoice::Always);
        check(ColorWhen::Auto, &[("FORCE_COLOR", "0")], ColorChoice::Never);
    }

    #[test]
    fn no_color_wins_over_them() {
        check(ColorWhen::Auto, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], ColorChoice::Auto);
        check(ColorWhen::Auto, &[("NO_COLOR", ""), ("FORCE_COLOR", "1")], ColorChoice::Always);
    }
}
