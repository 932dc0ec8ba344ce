//! The models of a project, with what the pipeline map, the configuration and the skillset say about each.
//!
//! A [`Catalogue`] is plain data that its caller assembles; it must not know the file formats of the pipeline map or
//! the configuration, and reads no files. [`crate::model::selection`] picks models from it.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use serde::Serialize;

use crate::model::checkpoint::TypeIndex;
use crate::model::family::{self, Family, Modality};
use crate::model::names::{self, ModelName};

/// The task of a model whose tasks are unknown.
pub const DEFAULT_TASK: &str = "text-generation";

/// A model, with everything that is derived from its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Model {
    /// The name under which it was selected.
    pub name: ModelName,
    /// Its transformers model type, if known.
    pub model_type: Option<String>,
    /// What kind of model it is.
    pub family: Family,
    /// What its input or output is made of.
    pub modality: Modality,
    /// Its tasks, the primary one first; never empty.
    pub tasks: Vec<String>,
    /// The skillset module that its test must agree with: its own if there is one, else that of its model type.
    pub reference_module: Option<String>,
}

impl Model {
    /// The first of its tasks.
    #[must_use]
    pub fn primary_task(&self) -> &str {
        self.tasks.first().map_or(DEFAULT_TASK, String::as_str)
    }

    /// Its model type, or `unknown`.
    #[must_use]
    pub fn type_name(&self) -> &str {
        self.model_type.as_deref().unwrap_or("unknown")
    }
}

impl Selector {
    /// The models that a plain string in the configuration selects.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "all" => Self::All,
            "sample" => Self::Sample,
            "skillset" => Self::Skillset,
            name => Self::Name(name.to_owned()),
        }
    }
}

/// What the configuration says about a model; it takes precedence over derived values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Its model type, in case its name does not reveal it.
    pub model_type: Option<String>,
    /// Its family.
    pub family: Option<Family>,
    /// Its tasks, the primary one first.
    pub tasks: Option<Vec<String>>,
}

/// Picks models.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Selector {
    /// Every model type of the pipeline map.
    All,
    /// One model of each of the most common kinds.
    Sample,
    /// Every model that has a reference implementation.
    Skillset,
    /// One model by its name, or model types by a glob.
    Name(String),
    /// The model types of a family.
    Family(String),
    /// The model types that have a task, primary or not.
    Task(String),
}

/// All known models.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    types: Vec<ModelType>,
    positions: HashMap<String, usize>,
    /// Created on first use, by the first name that is not itself a model type.
    index: OnceLock<TypeIndex>,
    /// The index of each model type by its normalized name, created on the first lookup of a module.
    normalized: OnceLock<HashMap<String, usize>>,
    facts: HashMap<String, Facts>,
    mappings: HashMap<String, Family>,
    modules: Vec<String>,
    has_module: HashSet<String>,
}

#[derive(Debug, Clone)]
struct ModelType {
    name: String,
    tasks: Vec<String>,
}

impl Catalogue {
    /// A catalogue of the pipeline map's model types with their tasks, the primary one first.
    #[must_use]
    pub fn new<'a>(pipeline_map: impl IntoIterator<Item = (&'a str, &'a [String])>) -> Self {
        let types: Vec<_> = pipeline_map
            .into_iter()
            .map(|(name, tasks)| ModelType { name: name.to_owned(), tasks: tasks.to_vec() })
            .collect();
        Self {
            positions: types.iter().enumerate().map(|(position, known)| (known.name.clone(), position)).collect(),
            types,
            ..Self::default()
        }
    }

    /// Adds configured facts by model name. A model type's family and tasks also apply to its checkpoints, unless those
    /// have facts of their own.
    #[must_use]
    pub fn with_facts(mut self, facts: impl IntoIterator<Item = (String, Facts)>) -> Self {
        self.facts.extend(facts);
        self
    }

    /// Adds the template database's mappings of names to families.
    #[must_use]
    pub fn with_mappings(mut self, mappings: impl IntoIterator<Item = (String, Family)>) -> Self {
        self.mappings.extend(mappings);
        self
    }

    /// Adds the names of the skillset's modules (`hf_bert`), in the order in which a selection of the skillset lists
    /// them.
    #[must_use]
    pub fn with_skillset(mut self, modules: impl IntoIterator<Item = String>) -> Self {
        self.modules.extend(modules);
        self.has_module = self.modules.iter().cloned().collect();
        self
    }

    /// The model types of the pipeline map, in its order.
    pub fn model_types(&self) -> impl Iterator<Item = &str> + Clone {
        self.types.iter().map(|known| known.name.as_str())
    }

    /// The tasks of the pipeline map, each once, in the order of their first appearance.
    #[must_use]
    pub fn tasks(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        self.types.iter().flat_map(|known| &known.tasks).map(String::as_str).filter(|task| seen.insert(*task)).collect()
    }

    /// The skillset's modules.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        self.modules.iter().map(String::as_str)
    }

    /// Whether more than the name is known about the model.
    #[must_use]
    pub fn knows(&self, model: &Model) -> bool {
        let name = model.name.as_str();
        model.model_type.is_some()
            || model.reference_module.is_some()
            || self.facts.contains_key(name)
            || self.mappings.contains_key(name)
    }

    /// Everything that can be derived from a name.
    #[must_use]
    pub fn resolve(&self, name: &ModelName) -> Model {
        let facts = self.facts.get(name.as_str());
        let model_type = self.model_type_of(name, facts);
        let stated = self.stated_tasks(name.as_str(), model_type);
        let family = self.family_of(name, model_type, stated.first().map(String::as_str));
        Model {
            modality: family::modality(&family, stated.first().map(String::as_str)),
            tasks: if stated.is_empty() { vec![DEFAULT_TASK.to_owned()] } else { stated.to_vec() },
            reference_module: self.reference_module_of(name, model_type),
            model_type: model_type.map(str::to_owned),
            name: name.clone(),
            family,
        }
    }

    /// The name of the model that a skillset module is about: the model type whose normalized name matches, else the
    /// text after `hf_`.
    #[must_use]
    pub(crate) fn name_of_module<'module>(&'module self, module: &'module str) -> &'module str {
        let normalized = module.strip_prefix("hf_").unwrap_or(module);
        let positions = self.normalized.get_or_init(|| {
            let mut positions = HashMap::with_capacity(self.types.len());
            for (position, known) in self.types.iter().enumerate() {
                positions.entry(names::normalized_name(&known.name)).or_insert(position);
            }
            positions
        });
        positions.get(normalized).map_or(normalized, |position| self.types[*position].name.as_str())
    }

    fn index(&self) -> &TypeIndex {
        self.index.get_or_init(|| TypeIndex::new(self.model_types()))
    }

    fn model_type_of<'model>(&'model self, name: &ModelName, facts: Option<&'model Facts>) -> Option<&'model str> {
        let configured = facts.and_then(|facts| facts.model_type.as_deref());
        configured.or_else(|| {
            let position = self.positions.get(name.as_str()).copied().or_else(|| self.index().find(name))?;
            self.types.get(position).map(|known| known.name.as_str())
        })
    }

    fn stated_tasks<'all>(&'all self, name: &'all str, model_type: Option<&'all str>) -> &'all [String] {
        let configured = self.facts_of(name, model_type).find_map(|facts| facts.tasks.as_deref());
        configured.unwrap_or_else(|| {
            let position = model_type.and_then(|known| self.positions.get(known));
            position.and_then(|position| self.types.get(*position)).map_or(&[], |known| &known.tasks)
        })
    }

    fn family_of(&self, name: &ModelName, model_type: Option<&str>, task: Option<&str>) -> Family {
        let configured = || self.facts_of(name.as_str(), model_type).find_map(|facts| facts.family.clone());
        let mapped = || name_and_type(name.as_str(), model_type).find_map(|known| self.mappings.get(known).cloned());
        let of_task = || task.and_then(family::family_of_task);
        let of_telling_task = || of_task().filter(|_| task.is_some_and(family::is_telling));
        configured()
            .or_else(mapped)
            .or_else(of_telling_task)
            .or_else(|| family_of_names(name, model_type))
            .or_else(of_task)
            .unwrap_or(Family::UNKNOWN)
    }

    fn facts_of<'all>(&'all self, name: &'all str, model_type: Option<&'all str>) -> impl Iterator<Item = &'all Facts> {
        name_and_type(name, model_type).filter_map(|known| self.facts.get(known))
    }

    fn reference_module_of(&self, name: &ModelName, model_type: Option<&str>) -> Option<String> {
        if self.modules.is_empty() {
            return None;
        }
        name_and_type(name.as_str(), model_type).map(names::class_name).find(|module| self.has_module.contains(module))
    }
}

/// The model's name, then its type: facts about a type apply to its checkpoints.
fn name_and_type<'name>(name: &'name str, model_type: Option<&'name str>) -> impl Iterator<Item = &'name str> {
    std::iter::once(name).chain(model_type)
}

fn family_of_names(name: &ModelName, model_type: Option<&str>) -> Option<Family> {
    let (organisation, repository) = name.segments();
    let names = [model_type, Some(repository), organisation];
    names.into_iter().flatten().find_map(family::family_of_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        let tasks = |tasks: &str| tasks.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let map = [
            ("bert", tasks("fill-mask text-classification feature-extraction")),
            ("bert-generation", tasks("text-generation")),
            ("clap", tasks("zero-shot-audio-classification feature-extraction")),
            ("clip", tasks("zero-shot-image-classification")),
            ("clip_vision_model", tasks("feature-extraction")),
            ("dpr", tasks("feature-extraction")),
            ("gpt2", tasks("text-generation")),
            ("informer", tasks("feature-extraction")),
            ("llama", tasks("text-generation")),
            ("llava", tasks("image-text-to-text any-to-any")),
            ("silent", tasks("")),
            ("t5", tasks("text2text-generation")),
            ("videomae", tasks("video-classification")),
            ("vit", tasks("image-classification")),
            ("whisper", tasks("automatic-speech-recognition")),
        ];
        Catalogue::new(map.iter().map(|(name, tasks)| (*name, tasks.as_slice())))
    }

    fn facts(model_type: Option<&str>, family: Option<&str>, tasks: &[&str]) -> Facts {
        Facts {
            model_type: model_type.map(str::to_owned),
            family: family.map(Family::new),
            tasks: (!tasks.is_empty()).then(|| tasks.iter().map(|task| (*task).to_owned()).collect()),
        }
    }

    fn line(catalogue: &Catalogue, name: &str) -> String {
        let model = catalogue.resolve(&ModelName::new(name).unwrap());
        let reference = model.reference_module.as_deref().unwrap_or("-");
        format!("{} {} {} {} {reference}", model.type_name(), model.family, model.modality, model.tasks.join(","))
    }

    #[track_caller]
    fn check(catalogue: &Catalogue, name: &str, expected: &str) {
        assert_eq!(line(catalogue, name), expected, "{name}");
    }

    #[test]
    fn the_usual_models_are_of_the_usual_families() {
        let catalogue = catalogue();
        let family = |name: &str| catalogue.resolve(&ModelName::new(name).unwrap()).family.to_string();
        let names =
            ["bert", "bert-base-uncased", "llama", "gpt2-medium", "vit", "openai/whisper-tiny", "llava", "clip"];
        let families: Vec<_> = names.into_iter().map(|name| format!("{name}: {}", family(name))).collect();
        insta::assert_snapshot!(families.join("\n"), @r"
        bert: text_embedding
        bert-base-uncased: text_embedding
        llama: text_generation
        gpt2-medium: text_generation
        vit: vision
        openai/whisper-tiny: audio
        llava: multimodal
        clip: multimodal
        ");
    }

    #[test]
    fn a_checkpoint_has_the_tasks_of_its_type() {
        check(
            &catalogue(),
            "bert-base-uncased",
            "bert text_embedding text fill-mask,text-classification,feature-extraction -",
        );
        check(&catalogue(), "google/flan-t5-small", "t5 text_generation text text2text-generation -");
        check(&catalogue(), "videomae", "videomae vision video video-classification -");
    }

    #[test]
    fn a_model_of_which_nothing_is_known_generates_text_and_has_no_family() {
        check(&catalogue(), "acme/foo", "unknown unknown unknown text-generation -");
        check(&catalogue(), "silent", "silent unknown unknown text-generation -");
    }

    #[test]
    fn a_bare_model_is_told_by_its_name_before_its_task() {
        check(&catalogue(), "clip_vision_model", "clip_vision_model vision image feature-extraction -");
        check(&catalogue(), "informer", "informer time_series numeric feature-extraction -");
        check(&catalogue(), "dpr", "dpr text_embedding text feature-extraction -");
        check(&catalogue(), "acme/my-tts", "unknown audio audio text-generation -");
    }

    #[test]
    fn the_configuration_knows_best_and_the_database_second() {
        let catalogue = catalogue()
            .with_mappings([("bert".to_owned(), Family::new("mapped")), ("vit".to_owned(), Family::new("mapped"))])
            .with_facts([
                ("acme/foo".to_owned(), facts(Some("whisper"), None, &[])),
                ("bert".to_owned(), facts(None, Some("configured"), &["token-classification"])),
                ("bert-large".to_owned(), facts(None, Some("own"), &[])),
            ]);
        check(&catalogue, "acme/foo", "whisper audio audio automatic-speech-recognition -");
        check(&catalogue, "bert-tiny", "bert configured text token-classification -");
        check(&catalogue, "bert-large", "bert own text token-classification -");
        check(&catalogue, "vit-base", "vit mapped image image-classification -");
    }

    #[test]
    fn a_model_refers_to_its_own_module_or_to_its_types() {
        let catalogue = catalogue().with_skillset(["hf_bert", "hf_bert_large", "hf_embed"].map(str::to_owned));
        let module = |name: &str| catalogue.resolve(&ModelName::new(name).unwrap()).reference_module;
        assert_eq!(module("bert"), Some("hf_bert".to_owned()));
        assert_eq!(module("BERT-large"), Some("hf_bert_large".to_owned()));
        assert_eq!(module("bert-base-uncased"), Some("hf_bert".to_owned()));
        assert_eq!(module("vit"), None);
    }

    #[test]
    fn a_module_is_about_the_type_that_is_spelt_so() {
        let catalogue = catalogue();
        assert_eq!(catalogue.name_of_module("hf_bert_generation"), "bert-generation");
        assert_eq!(catalogue.name_of_module("hf_embed"), "embed");
    }
}
