//! Ranks the tasks of a model type that is read from a release; the first one becomes its primary task.
//!
//! One fixed ranking serves all model types: a head that few model types have is specific, a head that most have is
//! not. A project that wants another order for a model edits its map.

/// Every task of the known releases, from the most specific to the least, with the reason for its rank.
const RANKING: &[(&str, &str)] = &[
    ("table-question-answering", "tapas also fills masks, but only it answers from tables"),
    ("document-question-answering", "what the layoutlm models are for, over the labels they can also give"),
    ("mask-generation", "what the sam models are for"),
    ("keypoint-matching", "what the matchers are for"),
    ("depth-estimation", "dpt also segments"),
    ("zero-shot-object-detection", "more particular than plain detection"),
    ("object-detection", "detr also segments, with a head on top of its detector"),
    ("video-classification", "over the bare features of its frames"),
    ("text-to-audio", "speecht5 also listens and musicgen is a causal model, but both are for making sound"),
    ("automatic-speech-recognition", "whisper and wav2vec2 also classify; speech models also count as any-to-any"),
    ("audio-classification", "wav2vec2 once had a mask-filling head"),
    ("image-text-to-text", "what a vision-language model is for, whatever text or contrastive heads it also has"),
    ("image-to-text", "its forerunner in older releases: blip captions before it answers"),
    ("visual-question-answering", "in older releases, beside captions"),
    ("zero-shot-audio-classification", "what clap is for"),
    ("zero-shot-image-classification", "clip also has a plain classification head, which came later"),
    ("image-classification", "a backbone's first head; beit and mobilevit also segment"),
    ("image-segmentation", "often a second head on a classifier's backbone"),
    ("image-to-image", "over the bare features"),
    ("any-to-any", "every vision-language model counts as one, so it tells less than the tasks above"),
    ("text2text-generation", "t5 and bart also classify, fill masks and generate, with parts of what they are"),
    ("translation", "the text2text-generation of older releases under a narrower name"),
    ("summarization", "likewise, and narrower still"),
    ("fill-mask", "what text encoders are trained for; bert can also be a decoder"),
    ("text-generation", "what decoders are trained for, over the labels they can also give"),
    ("text-classification", "a head that nearly every text model has"),
    ("token-classification", "likewise"),
    ("question-answering", "likewise, and newer releases dropped it: what comes first should not change with it"),
    ("zero-shot-classification", "the text-classification head, used in another way"),
    ("conversational", "in older releases, text generation in turns"),
    ("decision", "general text and vision-language models used in another way"),
];

/// Tasks that every backbone serves; they rank below all others, even below unknown tasks.
const BARE_FEATURES: &[&str] = &["image-feature-extraction", "feature-extraction"];

/// Whether the ranking contains a task.
pub(super) fn knows(task: &str) -> bool {
    RANKING.iter().any(|(known, _)| *known == task) || BARE_FEATURES.contains(&task)
}

/// Sorts tasks by rank; unknown tasks keep their order and come before the bare features.
pub(super) fn sort(tasks: &mut [String]) {
    tasks.sort_by_key(|task| rank(task));
}

fn rank(task: &str) -> usize {
    let bare = || BARE_FEATURES.iter().position(|known| *known == task).map(|at| RANKING.len() + 1 + at);
    RANKING.iter().position(|(known, _)| *known == task).or_else(bare).unwrap_or(RANKING.len())
}
