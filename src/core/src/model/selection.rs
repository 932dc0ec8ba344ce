//! Resolves the selectors of a suite or a command line to models.
//!
//! Selection never fails: it returns the models that were found and a problem for each other selector. It does not know
//! where its selectors were written; the caller adds that place to the problems.

use std::collections::{BTreeSet, HashSet};

use globset::Glob;
use indexmap::IndexSet;

use crate::base::problem::{Code, Problem};
use crate::base::suggest;
use crate::model::catalogue::{Catalogue, Model, Selector};
use crate::model::names::ModelName;

/// The models of [`Selector::Sample`].
pub const SAMPLE: &[&str] = &["bert", "vit", "whisper", "llava"];

/// The most unknown names that are listed; the rest are counted, because a suite may name thousands of private
/// checkpoints.
const MOST_UNKNOWN_NAMES: usize = 20;

impl Catalogue {
    /// The selected models without duplicates, in the order of the selectors, and the problems of the other selectors.
    #[must_use]
    pub fn select(&self, selectors: &[Selector]) -> (Vec<Model>, Vec<Problem>) {
        let mut selection = Selection::of(self);
        for selector in selectors {
            selection.add(selector);
        }
        selection.finish()
    }
}

struct Selection<'catalogue> {
    catalogue: &'catalogue Catalogue,
    models: Vec<Model>,
    names: HashSet<ModelName>,
    unknown_names: usize,
    /// Without duplicates, in the order in which they are found.
    problems: IndexSet<Problem>,
}

impl<'catalogue> Selection<'catalogue> {
    fn of(catalogue: &'catalogue Catalogue) -> Self {
        Self { catalogue, models: Vec::new(), names: HashSet::new(), unknown_names: 0, problems: IndexSet::new() }
    }

    fn add(&mut self, selector: &Selector) {
        match selector {
            Selector::All => self.add_all(),
            Selector::Sample => SAMPLE.iter().for_each(|name| self.add_named(name)),
            Selector::Skillset => self.add_skillset(),
            Selector::Name(name) if is_glob(name) => self.add_glob(name),
            Selector::Name(name) => self.add_named(name),
            Selector::Family(family) => self.add_family(family),
            Selector::Task(task) => self.add_task(task),
        }
    }

    fn add_all(&mut self) {
        let types = self.types_where(|_| true);
        if types.is_empty() {
            self.report(
                Problem::error(
                    Code::UnknownModel,
                    "`all` selects nothing, because the pipeline map has no model types",
                )
                .help("run `cargo tgen map sync`, or configure no pipeline map to use the built-in one"),
            );
        }
        self.extend(types);
    }

    fn add_skillset(&mut self) {
        let catalogue = self.catalogue;
        if catalogue.modules().next().is_none() {
            self.report(
                Problem::error(
                    Code::UnknownModel,
                    "`skillset` selects nothing, because there are no reference implementations",
                )
                .help("set `skillset` to the folder of the modules `hf_<name>.py`, or select models by their names"),
            );
        }
        for module in catalogue.modules() {
            self.add_named(catalogue.name_of_module(module));
        }
    }

    fn add_glob(&mut self, pattern: &str) {
        let matcher = match Glob::new(pattern) {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                let message = format!("`{pattern}` is not a glob: {}", error.kind());
                return self.report(
                    Problem::error(Code::UnknownModel, message).help("a glob may use `*`, `?`, `[...]` and `{...}`"),
                );
            }
        };
        let types = self.types_where(|name| matcher.is_match(name));
        if types.is_empty() {
            let plain = pattern.replace(['*', '?', '[', ']', '{', '}'], "");
            let help = suggest::closest(&plain, self.near(&plain)).map_or_else(
                || "a glob selects from the model types that `cargo tgen models` lists".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            self.report(Problem::error(Code::UnknownModel, format!("no model type matches `{pattern}`")).help(help));
        }
        self.extend(types);
    }

    fn add_family(&mut self, family: &str) {
        let all = self.types_where(|_| true);
        let families: BTreeSet<_> = all.iter().map(|model| model.family.name().to_owned()).collect();
        let members: Vec<_> = all.into_iter().filter(|model| model.family.name() == family).collect();
        if members.is_empty() {
            let problem = Problem::error(Code::UnknownModel, format!("no model type is of the family `{family}`"));
            self.report(Problem {
                help: suggest::did_you_mean(family, families.iter().map(String::as_str)),
                ..problem
            });
        }
        self.extend(members);
    }

    fn add_task(&mut self, task: &str) {
        let mut members = self.types_where(|_| true);
        members.retain(|model| model.tasks.iter().any(|own| own == task));
        if members.is_empty() {
            let problem = Problem::error(Code::UnknownModel, format!("no model type has the task `{task}`"));
            self.report(Problem { help: suggest::did_you_mean(task, self.catalogue.tasks()), ..problem });
        }
        self.extend(members);
    }

    fn add_named(&mut self, name: &str) {
        match ModelName::new(name) {
            Err(problem) => self.report(problem),
            Ok(name) if self.names.contains(&name) => {}
            Ok(name) => {
                let model = self.catalogue.resolve(&name);
                if !self.catalogue.knows(&model) {
                    self.warn_of(&model);
                }
                self.extend([model]);
            }
        }
    }

    /// The model types whose names satisfy `keep`; an invalid name is a problem of the pipeline map.
    fn types_where(&mut self, keep: impl Fn(&str) -> bool) -> Vec<Model> {
        let mut models = Vec::new();
        for name in self.catalogue.model_types().filter(|name| keep(name)) {
            match ModelName::new(name) {
                Ok(name) => models.push(self.catalogue.resolve(&name)),
                Err(problem) => self.report(problem),
            }
        }
        models
    }

    fn extend(&mut self, models: impl IntoIterator<Item = Model>) {
        for model in models {
            if self.names.insert(model.name.clone()) {
                self.models.push(model);
            }
        }
    }

    fn report(&mut self, problem: Problem) {
        self.problems.insert(problem);
    }

    fn warn_of(&mut self, model: &Model) {
        self.unknown_names += 1;
        if self.unknown_names > MOST_UNKNOWN_NAMES {
            return;
        }
        let name = &model.name;
        let message = format!(
            "`{name}` names no known model type, so its family is `{}` and its task `{}`",
            model.family,
            model.primary_task()
        );
        let say_more = format!("set `model-type`, or `family` and `tasks`, in `[models.\"{name}\"]`");
        let help = self
            .type_meant_by(name)
            .map_or_else(|| say_more.clone(), |near| format!("did you mean `{near}`? if not, {say_more}"));
        self.report(Problem::warning(Code::UnknownModel, message).help(help));
    }

    fn type_meant_by(&self, name: &ModelName) -> Option<&'catalogue str> {
        let (_, repository) = name.segments();
        let first_word =
            repository.split(|char: char| !char.is_ascii_alphanumeric()).next().filter(|word| word.len() > 2);
        let near = |word| suggest::closest(word, self.near(word));
        near(repository).or_else(|| first_word.and_then(near))
    }

    /// The model types of similar length: comparing lengths is cheaper than computing distances.
    fn near(&self, name: &str) -> impl Iterator<Item = &'catalogue str> + Clone {
        let length = name.len();
        self.catalogue.model_types().filter(move |known| known.len().abs_diff(length) <= length / 3 + 1)
    }

    fn finish(mut self) -> (Vec<Model>, Vec<Problem>) {
        if let more @ 1.. = self.unknown_names.saturating_sub(MOST_UNKNOWN_NAMES) {
            let message =
                format!("{more} more {} no known model type", if more == 1 { "name has" } else { "names have" });
            self.report(
                Problem::warning(Code::UnknownModel, message).help("set `model-type` in their `[models.\"...\"]`"),
            );
        }
        (self.models, self.problems.into_iter().collect())
    }
}

/// Whether a selector's name is a glob; model names cannot contain these characters.
fn is_glob(name: &str) -> bool {
    name.contains(['*', '?', '[', '{'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let map = [
            ("bert", "fill-mask"),
            ("bert-generation", "text-generation"),
            ("big_bird", "fill-mask"),
            ("gpt2", "text-generation"),
            ("llava", "image-text-to-text"),
            ("vit", "image-classification"),
            ("whisper", "automatic-speech-recognition"),
        ];
        let map = map.map(|(name, task)| (name, vec![task.to_owned()]));
        Catalogue::new(map.iter().map(|(name, tasks)| (*name, tasks.as_slice())))
    }

    fn name(name: &str) -> Selector {
        Selector::Name(name.to_owned())
    }

    fn shown(catalogue: &Catalogue, selectors: &[Selector]) -> String {
        let (models, problems) = catalogue.select(selectors);
        let names: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
        let problems = problems.iter().map(|problem| {
            let help = problem.help.as_deref().unwrap_or("-");
            format!("{:?} {}: {}; {help}", problem.severity, problem.code.name(), problem.message)
        });
        std::iter::once(names.join(" ")).chain(problems).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn all_is_the_pipeline_map_in_its_order() {
        insta::assert_snapshot!(shown(&catalogue(), &[Selector::All]), @"bert bert-generation big_bird gpt2 llava vit whisper");
        insta::assert_snapshot!(shown(&Catalogue::default(), &[Selector::All]), @"Error unknown-model: `all` selects nothing, because the pipeline map has no model types; run `cargo tgen map sync`, or configure no pipeline map to use the built-in one");
    }

    #[test]
    fn the_sample_is_one_of_each_kind() {
        insta::assert_snapshot!(shown(&catalogue(), &[Selector::Sample]), @"bert vit whisper llava");
    }

    #[test]
    fn the_skillset_is_every_module() {
        let catalogue = catalogue().with_skillset(["hf_bert_generation", "hf_embed", "hf_vit"].map(str::to_owned));
        insta::assert_snapshot!(shown(&catalogue, &[Selector::Skillset]), @"bert-generation embed vit");
        insta::assert_snapshot!(shown(&Catalogue::default(), &[Selector::Skillset]), @"Error unknown-model: `skillset` selects nothing, because there are no reference implementations; set `skillset` to the folder of the modules `hf_<name>.py`, or select models by their names");
    }

    #[test]
    fn names_come_as_given_and_once() {
        let selectors = [name("vit"), name("bert-base-uncased"), name("vit"), name("b*"), name("bert")];
        insta::assert_snapshot!(shown(&catalogue(), &selectors), @"vit bert-base-uncased bert bert-generation big_bird");
    }

    #[test]
    fn a_family_and_a_task_select_model_types() {
        let selectors = [Selector::Family("vision".to_owned()), Selector::Task("fill-mask".to_owned())];
        insta::assert_snapshot!(shown(&catalogue(), &selectors), @"vit bert big_bird");
    }

    #[test]
    fn what_selects_nothing_is_a_problem_with_a_suggestion() {
        let selectors = [
            name("brt*"),
            name("zzz*"),
            name("[b"),
            Selector::Family("visoin".to_owned()),
            Selector::Task("fil-mask".to_owned()),
            Selector::Task("juggling".to_owned()),
        ];
        insta::assert_snapshot!(shown(&catalogue(), &selectors), @r"
        Error unknown-model: no model type matches `brt*`; did you mean `bert`?
        Error unknown-model: no model type matches `zzz*`; a glob selects from the model types that `cargo tgen models` lists
        Error unknown-model: `[b` is not a glob: unclosed character class; missing ']'; a glob may use `*`, `?`, `[...]` and `{...}`
        Error unknown-model: no model type is of the family `visoin`; did you mean `vision`?
        Error unknown-model: no model type has the task `fil-mask`; did you mean `fill-mask`?
        Error unknown-model: no model type has the task `juggling`; there is `fill-mask`, `text-generation`, `image-text-to-text`, `image-classification`, `automatic-speech-recognition`
        ");
    }

    #[test]
    fn an_unknown_name_can_be_used_but_is_warned_of() {
        insta::assert_snapshot!(shown(&catalogue(), &[name("brt"), name("acme/wisper-tiny"), name("acme/foo")]), @r#"
        brt acme/wisper-tiny acme/foo
        Warning unknown-model: `brt` names no known model type, so its family is `unknown` and its task `text-generation`; did you mean `bert`? if not, set `model-type`, or `family` and `tasks`, in `[models."brt"]`
        Warning unknown-model: `acme/wisper-tiny` names no known model type, so its family is `unknown` and its task `text-generation`; did you mean `whisper`? if not, set `model-type`, or `family` and `tasks`, in `[models."acme/wisper-tiny"]`
        Warning unknown-model: `acme/foo` names no known model type, so its family is `unknown` and its task `text-generation`; set `model-type`, or `family` and `tasks`, in `[models."acme/foo"]`
        "#);
    }

    #[test]
    fn many_unknown_names_are_counted() {
        let selectors: Vec<_> = (0..30).map(|number| name(&format!("acme/private-{number}"))).collect();
        let (models, problems) = catalogue().select(&selectors);
        assert_eq!((models.len(), problems.len()), (30, 21));
        assert_eq!(problems[20].message, "10 more names have no known model type");
    }

    #[test]
    fn a_hostile_name_is_refused_and_the_others_go_on() {
        insta::assert_snapshot!(shown(&catalogue(), &[name("../../x"), name("a b"), name("vit")]), @r"
        vit
        Error invalid-model-name: `../../x` has more than one `/`; use at most 96 letters, digits, `_`, `-` and `.`, and one `/` after an organisation
        Error invalid-model-name: `a b` has a space in it, which no model name has; use at most 96 letters, digits, `_`, `-` and `.`, and one `/` after an organisation
        ");
        let map = [("../x".to_owned(), Vec::new()), ("vit".to_owned(), Vec::new())];
        let hostile = Catalogue::new(map.iter().map(|(name, tasks)| (name.as_str(), tasks.as_slice())));
        insta::assert_snapshot!(shown(&hostile, &[Selector::All, name("*")]), @r"
        vit
        Error invalid-model-name: `../x` has `..` in it, which no model name has; use at most 96 letters, digits, `_`, `-` and `.`, and one `/` after an organisation
        ");
    }
}
