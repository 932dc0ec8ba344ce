//! The number of parameters of a model, from its name (`Llama-2-7b-hf`), else from the default configuration of its
//! model type.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Millions of parameters by model type, one a line. `model_sizes.py` in the same folder generates the file.
const SIZES: &str = include_str!("../../data/model_sizes.txt");

/// The model's parameters in millions, if its name or its type determines them.
#[must_use]
pub fn millions_of_parameters(name: &str, model_type: Option<&str>) -> Option<f64> {
    static OF_TYPES: LazyLock<HashMap<&str, f64>> = LazyLock::new(|| {
        let of_line =
            |line: &'static str| line.split_once(' ').and_then(|(name, size)| Some((name, size.parse().ok()?)));
        SIZES.lines().filter_map(of_line).collect()
    });
    told_by_name(name).or_else(|| OF_TYPES.get(model_type?).copied())
}

/// The largest size in a name: a smaller number may be the context length (`7B-Instruct-1M`, `4k`).
fn told_by_name(name: &str) -> Option<f64> {
    name.split(['-', '_', '/']).filter_map(in_millions).filter(|size| *size >= 1.0).max_by(f64::total_cmp)
}

/// Parses a parameter count, in millions: `7b`, `1.5B`, `350M`, `60k` or, for a mixture of experts, `8x7b`.
pub(super) fn in_millions(word: &str) -> Option<f64> {
    let last = word.len().checked_sub(1)?;
    let (number, unit) = word.split_at_checked(last)?;
    let millions = match unit {
        "b" | "B" => 1000.0,
        "m" | "M" => 1.0,
        "k" | "K" => 0.001,
        _ => return None,
    };
    let (experts, each) = number.split_once(['x', 'X']).unwrap_or(("1", number));
    let number = |text: &str| {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        text.parse::<f64>().ok().filter(|_| is_plain)
    };
    Some(number(experts)? * number(each)? * millions).filter(|size| size.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, model_type: Option<&str>, expected: Option<f64>) {
        assert_eq!(millions_of_parameters(name, model_type), expected, "{name}");
    }

    #[test]
    fn a_name_tells_the_size_of_its_checkpoint() {
        check("meta-llama/Llama-2-7b-hf", Some("bert"), Some(7000.0));
        check("Qwen/Qwen2.5-1.5B", None, Some(1500.0));
        check("facebook/opt-350m", None, Some(350.0));
        check("facebook/m2m100_418M", None, Some(418.0));
        check("mistralai/Mixtral-8x7B-v0.1", None, Some(56_000.0));
        check("Qwen/Qwen2.5-7B-Instruct-1M", None, Some(7000.0));
    }

    #[test]
    fn what_is_no_size_in_a_name_is_passed_over() {
        for name in ["model-b", "infb", "nanm-x", "b", "", "ü-b", "gemma-x7b", "quant-4bit", "1e400b-base-xb"] {
            check(name, None, None);
        }
    }

    #[test]
    fn a_type_has_the_size_of_its_default_configuration() {
        check("bert-base-uncased", Some("bert"), Some(109.0));
        check("llava", Some("llava"), Some(6932.0));
        check("acme/bert-4k", Some("bert"), Some(109.0));
        check("mine", Some("no-such-type"), None);
        check("mine", None, None);
    }
}
