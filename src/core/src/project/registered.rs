//! The template database's answer for a plan, as plain data: the template of each case.
//!
//! All cases are queried at once, so a large suite costs one query. This module does not know how templates are stored;
//! the caller that opens the database fills it in.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::Arc;

use crate::config::{Config, Suite};
use crate::model::catalogue::{Catalogue, Model, Selector};
use crate::model::family::Family;
use crate::model::hardware::HardwareType;
use crate::project::request::Request;
use crate::template::{Dialect, TemplateName};

/// The criteria by which the database chooses the template of a case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// The model's name, whose mapping may name a template.
    pub model: String,
    /// The model's family.
    pub family: Family,
    /// The case's hardware type; `None` if the output path does not expand that axis.
    pub hardware: Option<HardwareType>,
}

/// The newest version of a template that some case uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The template's name in the database.
    pub name: String,
    /// The version number.
    pub version: u32,
    /// Its template dialect.
    pub dialect: Dialect,
    /// Its text.
    pub content: String,
}

/// A combination that has a template, listed in the error for a case without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The family.
    pub family: String,
    /// The hardware type; `None` for all.
    pub hardware: Option<HardwareType>,
    /// The template that such a case uses.
    pub template: String,
}

/// The templates chosen for a list of cases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChosenTemplates {
    /// The chosen templates, without duplicates.
    pub templates: Vec<Registered>,
    /// For each case, in the given order, an index into `templates`; `None` if no template matches.
    pub choices: Vec<Option<usize>>,
}

/// The models and templates of suites that take their templates from the template database.
#[derive(Debug, Clone)]
pub struct Registry {
    /// The project's models, with the database's mappings of names to families.
    pub catalogue: Catalogue,
    templates: Vec<Registered>,
    places: HashMap<TemplateName, usize>,
    choices: HashMap<Wanted, usize>,
    offers: Vec<Offer>,
}

impl Registry {
    /// A registry with the models and no templates.
    #[must_use]
    pub fn new(catalogue: &Catalogue, mappings: impl IntoIterator<Item = (String, Family)>) -> Self {
        let catalogue = catalogue.clone().with_mappings(mappings);
        let (places, choices) = (HashMap::new(), HashMap::new());
        Self { catalogue, templates: Vec::new(), places, choices, offers: Vec::new() }
    }

    /// Whether the requested suites take templates from the template database.
    #[must_use]
    pub fn is_needed(config: &Config, request: &Request) -> bool {
        database_suites(config, request).next().is_some()
    }

    /// The criteria of all cases of database suites, without duplicates. Every hardware type is included, because it is
    /// not known yet whether an output path expands that axis.
    #[must_use]
    pub fn wanted(&self, config: &Config, request: &Request) -> Vec<Wanted> {
        let mut seen = HashSet::new();
        let mut wanted = Vec::new();
        for suite in database_suites(config, request) {
            let hardware = request.hardware.as_ref().unwrap_or(&suite.hardware);
            for model in self.models(suite, request) {
                for hardware in hardware.iter().copied().map(Some).chain([None]) {
                    let one = Wanted::of(&model, hardware);
                    if seen.insert(one.clone()) {
                        wanted.push(one);
                    }
                }
            }
        }
        wanted
    }

    /// Adds the templates chosen for `wanted`, and the available combinations.
    #[must_use]
    pub fn with_chosen(mut self, wanted: Vec<Wanted>, chosen: ChosenTemplates, offers: Vec<Offer>) -> Self {
        let choices = wanted.into_iter().zip(chosen.choices);
        self.choices = choices.filter_map(|(wanted, choice)| Some((wanted, choice?))).collect();
        self.templates = chosen.templates;
        self.places = self.templates.iter().enumerate().map(|(at, one)| (one.template_name(), at)).collect();
        self.offers = offers;
        self
    }

    /// The chosen templates.
    #[must_use]
    pub fn templates(&self) -> &[Registered] {
        &self.templates
    }

    /// The template for a case; `None` if none matches.
    #[must_use]
    pub fn choose(&self, wanted: &Wanted) -> Option<&Registered> {
        self.choices.get(wanted).and_then(|at| self.templates.get(*at))
    }

    /// The registered template of that name, if a case uses it.
    #[must_use]
    pub fn find(&self, name: &TemplateName) -> Option<&Registered> {
        self.places.get(name).and_then(|at| self.templates.get(*at))
    }

    /// Lists the registered families and hardware types, for the help of an error.
    #[must_use]
    pub fn offered(&self) -> String {
        const SHOWN: usize = 8;
        if self.offers.is_empty() {
            return "the template database has no template".to_owned();
        }
        let mut text = "there are templates for ".to_owned();
        for (at, offer) in self.offers.iter().take(SHOWN).enumerate() {
            let hardware = offer.hardware.map_or("all hardware types", HardwareType::name);
            let comma = if at > 0 { ", " } else { "" };
            let _ = write!(text, "{comma}`{}` on {hardware}", offer.family);
        }
        if self.offers.len() > SHOWN {
            let _ = write!(text, " and {} more", self.offers.len() - SHOWN);
        }
        text
    }

    fn models(&self, suite: &Suite, request: &Request) -> Vec<Model> {
        let own: Vec<Selector>;
        let selectors = if request.models.is_empty() {
            own = suite.models.iter().map(|spot| spot.value.clone()).collect();
            &own
        } else {
            &request.models
        };
        self.catalogue.select(selectors).0
    }
}

impl Wanted {
    /// The criteria of a case.
    #[must_use]
    pub fn of(model: &Model, hardware: Option<HardwareType>) -> Self {
        Self { model: model.name.as_str().to_owned(), family: model.family.clone(), hardware }
    }
}

impl Registered {
    /// Its name in a plan, which no file can have.
    #[must_use]
    pub fn template_name(&self) -> TemplateName {
        TemplateName::registered(&self.name, self.dialect)
    }
}

fn database_suites<'c>(config: &'c Config, request: &'c Request) -> impl Iterator<Item = &'c Suite> {
    let asked = |suite: &&Suite| request.suites.is_empty() || request.suites.contains(&suite.name.value);
    config.suites.iter().map(Arc::as_ref).filter(asked).filter(|suite| suite.takes_registered())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::base::files::MemoryFiles;
    use crate::config::{self, Origin};
    use crate::model::hardware::HardwareType::{Cpu, Cuda};

    const CONFIG: &str = "\
-- tgen.toml --
[[suite]]
name = \"registered\"
template = \"database\"
models = [\"bert\", \"gpt2\", \"bert\"]
output = \"{{ normalized_name }}_{{ hardware_type }}.py\"
hardware = [\"cpu\", \"cuda\"]
[[suite]]
name = \"files\"
template = \"a.py\"
models = [\"vit\"]
output = \"{{ normalized_name }}.py\"
";

    fn config() -> Config {
        config::load(&MemoryFiles::from_fixture(CONFIG), Origin::TgenToml).unwrap()
    }

    fn registry() -> Registry {
        let tasks = ["fill-mask".to_owned()];
        let catalogue = Catalogue::new([("bert", &tasks[..]), ("gpt2", &tasks[..]), ("vit", &tasks[..])]);
        Registry::new(&catalogue, [("bert".to_owned(), Family::new("mapped"))])
    }

    #[test]
    fn the_cases_of_database_suites_are_asked_for_once_with_their_mapped_families() {
        let wanted = registry().wanted(&config(), &Request::default());
        let line = |wanted: &Wanted| {
            format!("{} {} {}", wanted.model, wanted.family, wanted.hardware.map_or("any", HardwareType::name))
        };
        assert_snapshot!(wanted.iter().map(line).collect::<Vec<_>>().join("\n"), @"
        bert mapped cpu
        bert mapped cuda
        bert mapped any
        gpt2 text_embedding cpu
        gpt2 text_embedding cuda
        gpt2 text_embedding any
        ");
    }

    #[test]
    fn the_database_is_needed_only_where_an_asked_suite_names_it() {
        let of = |suites: &[&str]| Request {
            suites: suites.iter().map(|suite| (*suite).to_owned()).collect(),
            ..Request::default()
        };
        let needed = |suites: &[&str]| Registry::is_needed(&config(), &of(suites));
        assert_eq!([needed(&[]), needed(&["registered"]), needed(&["files"])], [true, true, false]);
    }

    #[test]
    fn a_choice_is_found_by_case_and_by_name() {
        let template = Registered { name: "x".to_owned(), version: 2, dialect: Dialect::Tera, content: String::new() };
        let wanted = |hardware| Wanted { model: "bert".to_owned(), family: Family::new("mapped"), hardware };
        let chosen = ChosenTemplates { templates: vec![template.clone()], choices: vec![Some(0), None] };
        let registry = registry().with_chosen(vec![wanted(Some(Cpu)), wanted(Some(Cuda))], chosen, Vec::new());
        assert_eq!(registry.choose(&wanted(Some(Cpu))), Some(&template));
        assert_eq!(registry.choose(&wanted(Some(Cuda))), None);
        assert_eq!(registry.find(&TemplateName::new("database:x.tera")), Some(&template));
        assert_eq!(registry.find(&TemplateName::new("x.tera")), None);
    }

    #[test]
    fn what_there_is_not_is_told_by_what_there_is() {
        assert_eq!(registry().offered(), "the template database has no template");
        let offer = |hardware| Offer { family: "vision".to_owned(), hardware, template: "x".to_owned() };
        let offers = |number| [None, Some(Cuda)].into_iter().cycle().take(number).map(offer).collect();
        let offered = |number| registry().with_chosen(Vec::new(), ChosenTemplates::default(), offers(number)).offered();
        assert_eq!(offered(2), "there are templates for `vision` on all hardware types, `vision` on cuda");
        assert!(offered(11).ends_with(" and 3 more"));
    }

    #[test]
    fn the_name_of_a_registered_template_tells_its_dialect() {
        for (name, dialect) in
            [("a", Dialect::Tera), ("a.tera", Dialect::Tera), ("a.TERA", Dialect::Dollar), ("a.py", Dialect::Dollar)]
        {
            assert_eq!(TemplateName::registered(name, dialect).dialect(), dialect);
        }
    }
}
