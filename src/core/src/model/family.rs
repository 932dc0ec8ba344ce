//! The family of a model, which chooses its template, and its modality.
//!
//! To add a task, a family or a keyword, add a row to a table below. This module knows tasks and words; it does not
//! know which models a project has.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// A family of models that one template can serve. Projects may have families of their own, so the set is open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Family(Cow<'static, str>);

impl Family {
    /// Encoders of text.
    pub const TEXT_EMBEDDING: Self = Self::known("text_embedding");
    /// Models that write text.
    pub const TEXT_GENERATION: Self = Self::known("text_generation");
    /// Models of images or video.
    pub const VISION: Self = Self::known("vision");
    /// Models that recognise or synthesise sound.
    pub const AUDIO: Self = Self::known("audio");
    /// Models that take several kinds of input at once.
    pub const MULTIMODAL: Self = Self::known("multimodal");
    /// Forecasters of series of numbers.
    pub const TIME_SERIES: Self = Self::known("time_series");
    /// Models that choose actions.
    pub const REINFORCEMENT_LEARNING: Self = Self::known("reinforcement_learning");
    /// The family cannot be determined.
    pub const UNKNOWN: Self = Self::known("unknown");

    /// Every family that a task or a name can map to, in the order that tables use.
    pub const KNOWN: &'static [Self] = &[
        Self::TEXT_EMBEDDING,
        Self::TEXT_GENERATION,
        Self::VISION,
        Self::AUDIO,
        Self::MULTIMODAL,
        Self::TIME_SERIES,
        Self::REINFORCEMENT_LEARNING,
    ];

    const fn known(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The family of that name; it may be one that only the project defines.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(Cow::Owned(name.into()))
    }

    /// The name that configuration and templates use.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The modality of the family's models; `Unknown` for a family that the project defines.
    #[must_use]
    pub fn modality(&self) -> Modality {
        match self.name() {
            "text_embedding" | "text_generation" => Modality::Text,
            "vision" => Modality::Image,
            "audio" => Modality::Audio,
            "multimodal" => Modality::Multimodal,
            "time_series" | "reinforcement_learning" => Modality::Numeric,
            _ => Modality::Unknown,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What a model's input consists of, or its output if that describes the model better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// Words.
    Text,
    /// Pictures.
    Image,
    /// Moving pictures.
    Video,
    /// Sound.
    Audio,
    /// Several of these at once.
    Multimodal,
    /// Numbers: series and trajectories.
    Numeric,
    /// It cannot be determined.
    Unknown,
}

impl Modality {
    /// The name that templates and tables use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Multimodal => "multimodal",
            Self::Numeric => "numeric",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Modality {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The family of the models with this primary task; `None` for an unknown task.
#[must_use]
pub fn family_of_task(task: &str) -> Option<Family> {
    row_of(task).map(|(_, family, _)| family.clone())
}

/// The modality of a task; `None` for an unknown task.
#[must_use]
pub fn modality_of_task(task: &str) -> Option<Modality> {
    row_of(task).map(|(_, _, modality)| *modality)
}

/// Whether the task determines the kind of model. Every model with a bare `AutoModel` has `feature-extraction`, whether
/// it reads text, images or sound, so there a keyword in the model's name takes precedence.
#[must_use]
pub fn is_telling(task: &str) -> bool {
    task != "feature-extraction"
}

/// The family that a name implies: the model type's row in the table, else the last keyword in the name, because names
/// go from the general to the special (`video_llama_3_vision` is the vision part of a video model).
#[must_use]
pub fn family_of_name(name: &str) -> Option<Family> {
    let name = name.to_ascii_lowercase();
    let words = || name.split(|char: char| !char.is_ascii_alphanumeric()).rev();
    row_with(TELLING_NAMES, &name).or_else(|| words().find_map(|word| row_with(TELLING_WORDS, word)))
}

/// The modality of a model of this family with the primary task `task`. The task refines the family's modality, and
/// decides if the family has none, but never contradicts it.
#[must_use]
pub fn modality(family: &Family, task: Option<&str>) -> Modality {
    let of_family = family.modality();
    let speaks = |task: &&str| of_family == Modality::Unknown || family_of_task(task).as_ref() == Some(family);
    task.filter(speaks).and_then(modality_of_task).unwrap_or(of_family)
}

fn row_of(task: &str) -> Option<&'static (&'static str, Family, Modality)> {
    TASKS.iter().find(|(name, _, _)| *name == task)
}

fn row_with(table: &[(&[&str], Family)], entry: &str) -> Option<Family> {
    table.iter().find(|(entries, _)| entries.contains(&entry)).map(|(_, family)| family.clone())
}

/// Tasks, by family: the one whose template can build inputs for the task.
#[rustfmt::skip]
const TASKS: &[(&str, Family, Modality)] = &[
    ("feature-extraction", Family::TEXT_EMBEDDING, Modality::Text),
    // Encoders with a head on the text embedding.
    ("fill-mask", Family::TEXT_EMBEDDING, Modality::Text),
    ("text-classification", Family::TEXT_EMBEDDING, Modality::Text),
    ("token-classification", Family::TEXT_EMBEDDING, Modality::Text),
    ("zero-shot-classification", Family::TEXT_EMBEDDING, Modality::Text),
    ("question-answering", Family::TEXT_EMBEDDING, Modality::Text),
    ("sentence-similarity", Family::TEXT_EMBEDDING, Modality::Text),
    // TAPAS and similar models are text encoders that read a table as text.
    ("table-question-answering", Family::TEXT_EMBEDDING, Modality::Text),

    ("text-generation", Family::TEXT_GENERATION, Modality::Text),
    ("text2text-generation", Family::TEXT_GENERATION, Modality::Text),
    ("summarization", Family::TEXT_GENERATION, Modality::Text),
    ("translation", Family::TEXT_GENERATION, Modality::Text),
    ("conversational", Family::TEXT_GENERATION, Modality::Text),
    // The decision is read from the next token of a chat model; images are optional.
    ("decision", Family::TEXT_GENERATION, Modality::Text),

    ("image-classification", Family::VISION, Modality::Image),
    ("image-feature-extraction", Family::VISION, Modality::Image),
    ("image-segmentation", Family::VISION, Modality::Image),
    ("image-to-image", Family::VISION, Modality::Image),
    ("object-detection", Family::VISION, Modality::Image),
    ("depth-estimation", Family::VISION, Modality::Image),
    ("mask-generation", Family::VISION, Modality::Image),
    ("keypoint-detection", Family::VISION, Modality::Image),
    ("keypoint-matching", Family::VISION, Modality::Image),
    ("video-classification", Family::VISION, Modality::Video),

    ("automatic-speech-recognition", Family::AUDIO, Modality::Audio),
    ("audio-classification", Family::AUDIO, Modality::Audio),
    // It takes text as well, but a multimodal template would pass it an image instead of sound.
    ("zero-shot-audio-classification", Family::AUDIO, Modality::Audio),
    ("text-to-audio", Family::AUDIO, Modality::Audio),
    ("text-to-speech", Family::AUDIO, Modality::Audio),

    ("any-to-any", Family::MULTIMODAL, Modality::Multimodal),
    ("image-text-to-text", Family::MULTIMODAL, Modality::Multimodal),
    ("image-to-text", Family::MULTIMODAL, Modality::Multimodal),
    ("audio-text-to-text", Family::MULTIMODAL, Modality::Multimodal),
    ("video-text-to-text", Family::MULTIMODAL, Modality::Multimodal),
    ("visual-question-answering", Family::MULTIMODAL, Modality::Multimodal),
    ("document-question-answering", Family::MULTIMODAL, Modality::Multimodal),
    // The candidate classes are given as text, so these take an image and text, as CLIP does.
    ("zero-shot-image-classification", Family::MULTIMODAL, Modality::Multimodal),
    ("zero-shot-object-detection", Family::MULTIMODAL, Modality::Multimodal),

    ("time-series-forecasting", Family::TIME_SERIES, Modality::Numeric),
    ("reinforcement-learning", Family::REINFORCEMENT_LEARNING, Modality::Numeric),
];

/// Model types that transformers has only as a bare model, so that no task implies their family.
const TELLING_NAMES: &[(&[&str], Family)] = &[
    (
        &["autoformer", "informer", "patchtsmixer", "patchtst", "time_series_transformer", "timesfm", "timesfm2_5"],
        Family::TIME_SERIES,
    ),
    // The text components of models whose names imply another family.
    (
        &[
            "glm_image_text",
            "hunyuan_vl_text",
            "qwen2_5_vl_text",
            "qwen2_vl_text",
            "qwen3_vl_moe_text",
            "qwen3_vl_text",
        ],
        Family::TEXT_EMBEDDING,
    ),
    (&["decision_transformer"], Family::REINFORCEMENT_LEARNING),
    (
        &[
            "blip_2_qformer",
            "bridgetower",
            "flava",
            "glm_image",
            "groupvit",
            "lxmert",
            "pe_audio_video",
            "pe_audio_video_encoder",
            "pe_video",
            "tvp",
            "vilt",
            "vision-text-dual-encoder",
            "visual_bert",
            "xclip",
        ],
        Family::MULTIMODAL,
    ),
    (
        &[
            "aimv2",
            "mask2former",
            "maskformer",
            "maskformer-swin",
            "mgp-str",
            "oneformer",
            "pixtral",
            "pp_ocrv5_mobile_rec",
            "pp_ocrv5_server_rec",
            "pp_ocrv6_small_rec",
            "pp_ocrv6_tiny_rec",
            "radio",
            "sam2_hiera_det_model",
            "sam3",
            "sam3_lite_text",
            "sam3_tracker_video",
            "sam3_vit_model",
            "seggpt",
            "uvdoc",
        ],
        Family::VISION,
    ),
    (
        &[
            "audioflamingo3_encoder",
            "clvp",
            "dac",
            "encodec",
            "fun_asr_nano_encoder",
            "glmasr_encoder",
            "granite_speech5_encoder",
            "lasr_encoder",
            "mimi",
            "mimi_decoder",
            "mimi_encoder",
            "neucodec",
            "parakeet_encoder",
            "parakeet_rnnt",
            "univnet",
            "voxtral_encoder",
            "voxtral_realtime_encoder",
            "xcodec",
            "xcodec2",
        ],
        Family::AUDIO,
    ),
];

/// Keywords that imply a family anywhere in a name.
const TELLING_WORDS: &[(&[&str], Family)] = &[
    (&["vision", "image", "video", "vqmodel"], Family::VISION),
    (&["audio", "speech", "asr", "tts", "acoustic", "transcribe", "diarization", "diarize", "diarizer"], Family::AUDIO),
    (&["multimodal", "vlm", "vl"], Family::MULTIMODAL),
    (&["sentence", "embedding", "embeddings", "embed"], Family::TEXT_EMBEDDING),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_task(task: &str, family: &Family, modality: Modality) {
        assert_eq!(family_of_task(task).as_ref(), Some(family), "{task}");
        assert_eq!(modality_of_task(task), Some(modality), "{task}");
    }

    #[track_caller]
    fn check_name(name: &str, family: Option<&str>) {
        assert_eq!(family_of_name(name).as_ref().map(Family::name), family, "{name}");
    }

    #[test]
    fn a_task_leads_to_the_family_whose_template_can_feed_it() {
        check_task("fill-mask", &Family::TEXT_EMBEDDING, Modality::Text);
        check_task("text-generation", &Family::TEXT_GENERATION, Modality::Text);
        check_task("image-classification", &Family::VISION, Modality::Image);
        check_task("video-classification", &Family::VISION, Modality::Video);
        check_task("automatic-speech-recognition", &Family::AUDIO, Modality::Audio);
        check_task("zero-shot-audio-classification", &Family::AUDIO, Modality::Audio);
        check_task("zero-shot-image-classification", &Family::MULTIMODAL, Modality::Multimodal);
        check_task("image-text-to-text", &Family::MULTIMODAL, Modality::Multimodal);
        assert_eq!(family_of_task("juggling"), None);
    }

    #[test]
    fn every_pipeline_task_of_transformers_has_a_family() {
        let pipelines = "any-to-any audio-classification automatic-speech-recognition decision depth-estimation \
            document-question-answering feature-extraction fill-mask image-classification \
            image-feature-extraction image-segmentation image-text-to-text keypoint-matching mask-generation \
            object-detection table-question-answering text-classification text-generation text-to-audio \
            text2text-generation token-classification video-classification zero-shot-audio-classification \
            zero-shot-classification zero-shot-image-classification zero-shot-object-detection";
        assert!(pipelines.split(' ').all(|task| family_of_task(task).is_some()));
    }

    #[test]
    fn every_task_of_the_table_stands_there_once_and_leads_to_a_known_family() {
        for (task, family, modality) in TASKS {
            assert_eq!(TASKS.iter().filter(|(other, _, _)| other == task).count(), 1, "{task}");
            assert!(Family::KNOWN.contains(family), "{task}");
            assert_ne!(*modality, Modality::Unknown, "{task}");
        }
        assert!(Family::KNOWN.iter().all(|family| family.modality() != Modality::Unknown));
    }

    #[test]
    fn a_name_tells_by_a_table_or_by_its_last_telling_word() {
        check_name("flava", Some("multimodal"));
        check_name("decision_transformer", Some("reinforcement_learning"));
        check_name("informer", Some("time_series"));
        check_name("clip_vision_model", Some("vision"));
        check_name("qwen2_vl_text", Some("text_embedding"));
        check_name("video_llama_3_vision", Some("vision"));
        check_name("pe_audio_encoder", Some("audio"));
        check_name("My-TTS-v2", Some("audio"));
        check_name("revision-7", None);
        check_name("dpr", None);
    }

    #[test]
    fn the_task_refines_the_modality_but_never_contradicts_the_family() {
        assert_eq!(modality(&Family::VISION, Some("video-classification")), Modality::Video);
        assert_eq!(modality(&Family::AUDIO, Some("video-classification")), Modality::Audio);
        assert_eq!(modality(&Family::new("vision"), Some("image-classification")), Modality::Image);
        assert_eq!(modality(&Family::new("robots"), None), Modality::Unknown);
        assert_eq!(modality(&Family::new("robots"), Some("depth-estimation")), Modality::Image);
    }
}
