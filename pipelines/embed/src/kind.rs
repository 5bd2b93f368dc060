//! Planning and running.

use crate::manifest::Manifest;
use crate::params::{EmbedParams, JoinParams, Long, ROWS_A_TASK_MAX, RowsParams};
use crate::source::{Item, Source, bad, is_picture};
use crate::table::{self, Row, Writer};
use candle_core::{DType, Device};
use klieg_encoders::{Embedder, Outline, Vector};
use klieg_kind::{BadInput, Desk, File, Kind, Outputs, Read, Takes};
use klieg_models::{Family, Record, Shelf};
use klieg_protocol::{
    Ask, Class, Digest, Fault, Input, JobSpec, Plan, Progress, Source as Origin, TaskFailure, TaskResult, TaskSpec,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The word that jobs of this kind are submitted by.
pub const KIND: &str = "embed";

/// Inputs and outputs of tasks.
const INPUT: &str = "input";
const PART: &str = "part";
const VECTORS: &str = "vectors";
const MANIFEST: &str = "manifest";
const JOIN: &str = "join";
/// Pictures of one job.
const PICTURES_MAX: usize = 10_000;
/// Rows between two reports of progress.
const ROWS_A_REPORT: usize = 128;
/// Bytes that a task takes beside the weights.
const WORKING_BYTES: u64 = 512 << 20;
/// Estimated seconds of a row on a processor's slot.
const SECONDS_A_ROW: f64 = 0.02;

/// Texts and pictures to vectors.
pub struct Embed {
    shelf: Arc<Shelf>,
    /// The model that the last task used, and how: the next one mostly wants the same.
    held: Mutex<Option<(Wanted, Arc<Embedder>)>>,
}

/// A model's digest, and whether its vectors are to have unit length.
type Wanted = (Digest, Option<bool>);

/// What a job makes vectors of, read for planning.
struct Order {
    params: EmbedParams,
    record: Record,
    /// Names of input artifacts and the rows of each.
    inputs: Vec<(String, Digest, usize)>,
}

impl Embed {
    pub fn new(shelf: Arc<Shelf>) -> Self {
        Self { shelf, held: Mutex::new(None) }
    }

    fn order(&self, job: &JobSpec, read: Read<'_>) -> Result<(Order, Outline), BadInput> {
        let mut params: EmbedParams =
            serde_json::from_value(job.params.clone()).map_err(|error| bad(&job.label, 0, 0, format!("parameters: {error}")))?;
        if params.file.is_empty() {
            params.file.clone_from(&job.label);
        }
        if !(1..=ROWS_A_TASK_MAX).contains(&params.rows_a_task) {
            return Err(bad("", 0, 0, format!("rows_a_task is {}: it is 1 to {ROWS_A_TASK_MAX}", params.rows_a_task)));
        }
        let record = self.record(&params)?;
        let failed = |error: &dyn std::fmt::Display| bad("", 0, 0, format!("model {}: failed to {error}", record.name));
        let outline = Outline::open(&record.root).map_err(|error| failed(&error))?;
        let mut inputs = Vec::new();
        let (mut pictures, mut texts) = (0, 0);
        for (name, digest) in &job.inputs {
            let bytes = read(digest).map_err(|error| bad(&params.file, 0, 0, format!("read: {error}")))?;
            match Source::read(&params.file, &bytes, params.texts, &params.field)? {
                Source::Picture => {
                    klieg_encoders::decode(&bytes).map_err(|error| bad(name, 0, 0, format!("failed to {error}")))?;
                    pictures += 1;
                    inputs.push((name.clone(), *digest, 1));
                }
                Source::Texts(items) => {
                    texts += 1;
                    refuse_long(&params, &outline, &items)?;
                    inputs.push((name.clone(), *digest, items.len()));
                }
            }
        }
        match (texts, pictures) {
            (0, 0) => return Err(bad(&job.label, 0, 0, "an embed job needs an input: a text file, or pictures (PNG, JPEG)")),
            (1, 0) => {}
            (0, 1..=PICTURES_MAX) if outline.takes_pictures() => {}
            (0, 1..=PICTURES_MAX) => {
                let message =
                    format!("the model {} ({}) takes texts only: choose a clip or siglip model", record.name, record.family);
                return Err(bad(&params.file, 0, 0, message));
            }
            (0, _) => return Err(bad(&params.file, 0, 0, format!("{pictures} pictures: a job has at most {PICTURES_MAX}"))),
            _ => return Err(bad(&params.file, 0, 0, "a job takes one text file or pictures, not several texts or both")),
        }
        Ok((Order { params, record, inputs }, outline))
    }

    /// The model that the job names, or the only one that makes vectors.
    fn record(&self, params: &EmbedParams) -> Result<Record, BadInput> {
        let broken = |error: klieg_models::Error| bad("", 0, 0, format!("failed to {error}"));
        let Some(name) = &params.model else {
            let mut able: Vec<Record> =
                self.shelf.models().map_err(broken)?.into_iter().filter(|record| makes_vectors(record.family)).collect();
            return match able.len() {
                1 => Ok(able.remove(0)),
                0 => Err(bad("", 0, 0, "no model here makes vectors: add one with `klieg models add PATH --as NAME`")),
                _ => {
                    let names: Vec<&str> = able.iter().map(|record| record.name.as_str()).collect();
                    Err(bad("", 0, 0, format!("name a model with --set model=NAME: {}", names.join(", "))))
                }
            };
        };
        let record = self.shelf.find(name).map_err(broken)?;
        let missing = || {
            bad(
                "",
                0,
                0,
                format!("there is no model {name:?}: add it with `klieg models add PATH --as {name}` or `klieg models pull REPO`"),
            )
        };
        let record = record.ok_or_else(missing)?;
        if !makes_vectors(record.family) {
            let message =
                format!("the model {name} is a {}: vectors are made by bert, xlm-roberta, deberta, clip and siglip", record.family);
            return Err(bad("", 0, 0, message));
        }
        Ok(record)
    }

    fn rows(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let params: RowsParams = from_json(task)?;
        let embedder = self.embedder(&params)?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(desk.threads().max(1)).build();
        let pool = pool.map_err(|error| failed(Fault::Node, format!("failed to start threads: {error}")))?;
        let work = Work::read(&params, desk)?;
        let mut rows = Vec::new();
        for from in (0..params.count).step_by(ROWS_A_REPORT) {
            let to = params.count.min(from + ROWS_A_REPORT);
            let vectors = pool.install(|| work.vectors(&embedder, from..to))?;
            rows.extend(vectors.into_iter().enumerate().map(|(i, vector)| work.row(params.first, from + i, vector)));
            let fraction = to as f32 / params.count.max(1) as f32;
            desk.progress(Progress { fraction, done: to as u64, note: String::new() })?;
        }
        let broken = |error: table::Error| failed(Fault::Task, format!("failed to {error}"));
        let width = rows.first().map_or(0, |row: &Row| row.vector.len());
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, crate::Format::Arrow, width, params.dtype).map_err(broken)?;
        writer.write(&table::batch(&rows, width, params.dtype).map_err(broken)?).map_err(broken)?;
        writer.finish().map_err(broken)?;
        Ok(TaskResult { outputs: BTreeMap::from([(PART.to_owned(), desk.store(&bytes)?)]), adds: Vec::new() })
    }

    /// The task's model: the same files that the job was planned with.
    fn embedder(&self, params: &RowsParams) -> Result<Arc<Embedder>, TaskFailure> {
        // A panic elsewhere cannot leave half a model: it is put there whole.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = (params.digest, params.normalize);
        if let Some((_, embedder)) = held.as_ref().filter(|(held, _)| *held == wanted) {
            return Ok(Arc::clone(embedder));
        }
        let record = self.shelf.get(&params.model).map_err(|error| failed(Fault::Node, format!("failed to {error}")))?;
        if record.digest != params.digest {
            let message = format!(
                "the model {} is another here ({}) than the job was planned with ({})",
                params.model, record.digest, params.digest
            );
            return Err(failed(Fault::Node, message));
        }
        let outline = Outline::open(&record.root).map(|outline| {
            let unit = params.normalize.unwrap_or(outline.gives_units());
            outline.with_units(unit)
        });
        let embedder = outline.and_then(|outline| outline.load(DType::F32, &Device::Cpu));
        let embedder = Arc::new(embedder.map_err(|error| failed(Fault::Node, format!("failed to {error}")))?);
        *held = Some((wanted, Arc::clone(&embedder)));
        Ok(embedder)
    }

    fn join(task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        let params: JoinParams = from_json(task)?;
        let broken = |error: table::Error| failed(Fault::Task, format!("failed to {error}"));
        let io = |error: std::io::Error| failed(Fault::Node, format!("failed to write the vectors: {error}"));
        let path = desk.scratch().join(params.format.file());
        let file = std::io::BufWriter::new(std::fs::File::create(&path).map_err(io)?);
        let mut writer = Writer::new(file, params.format, params.width, params.dtype).map_err(broken)?;
        let mut manifest = Manifest::new(&params);
        let mut next = 0;
        // Names of inputs are numbers of one width: their order is the rows'.
        for name in desk.inputs() {
            let part = std::fs::File::open(desk.input_path(&name)?).map_err(io)?;
            for batch in table::read(part).map_err(broken)? {
                for row in table::rows(&batch).map_err(broken)? {
                    if row.index != next {
                        return Err(failed(
                            Fault::Task,
                            format!("failed to join the vectors: row {} stands where {next} belongs", row.index),
                        ));
                    }
                    next += 1;
                    manifest.note(&row);
                }
                writer.write(&batch).map_err(broken)?;
            }
        }
        writer.finish().map_err(broken)?;
        if next != params.rows as u64 {
            return Err(failed(Fault::Task, format!("failed to join the vectors: there are {next} rows of {}", params.rows)));
        }
        let manifest = serde_json::to_vec_pretty(&manifest).map_err(|error| failed(Fault::Task, error.to_string()))?;
        let outputs = [(VECTORS.to_owned(), desk.store_file(&path)?), (MANIFEST.to_owned(), desk.store(&manifest)?)];
        Ok(TaskResult { outputs: BTreeMap::from(outputs), adds: Vec::new() })
    }
}

fn makes_vectors(family: Family) -> bool {
    matches!(family, Family::Bert | Family::XlmRoberta | Family::Deberta | Family::Clip | Family::Siglip)
}

/// Refuses a text that is longer than the model takes, if the job says so.
fn refuse_long(params: &EmbedParams, outline: &Outline, items: &[Item]) -> Result<(), BadInput> {
    if params.long == Long::Cut {
        return Ok(());
    }
    for item in items {
        let words =
            outline.encode(&item.text).map_err(|error| bad(&params.file, item.line as usize, 1, format!("failed to {error}")))?;
        if words.left_out > 0 {
            let (most, over) = (outline.tokens_max(), words.left_out);
            let message =
                format!("the text is {over} tokens longer than the {most} that the model takes: shorten it, or --set long=cut");
            return Err(bad(&params.file, item.line as usize, 1, message));
        }
    }
    Ok(())
}

/// What one task makes vectors of.
enum Work {
    Texts(Vec<Item>),
    Picture { name: String, picture: Box<image::RgbImage> },
}

impl Work {
    fn read(params: &RowsParams, desk: &mut dyn Desk) -> Result<Self, TaskFailure> {
        let bytes = desk.input(INPUT)?;
        let input = |message: String| failed(Fault::Input, message);
        if is_picture(&bytes) {
            let picture = klieg_encoders::decode(&bytes).map_err(|error| input(format!("failed to {error}")))?;
            return Ok(Self::Picture { name: params.file.clone(), picture: Box::new(picture) });
        }
        let source = Source::read(&params.file, &bytes, params.texts, &params.field).map_err(|error| input(error.to_string()))?;
        let Source::Texts(items) = source else { return Err(input("the input is no text".into())) };
        // The job numbers rows through all inputs, and has one text file: its rows begin at 0.
        let items: Vec<Item> = items.into_iter().skip(params.first).take(params.count).collect();
        if items.len() != params.count {
            return Err(input(format!("the input has no rows {} to {}", params.first, params.first + params.count)));
        }
        Ok(Self::Texts(items))
    }

    fn vectors(&self, embedder: &Embedder, rows: std::ops::Range<usize>) -> Result<Vec<Vector>, TaskFailure> {
        let vectors = match self {
            Self::Texts(items) => embedder.texts(&items[rows].iter().map(|item| item.text.as_str()).collect::<Vec<_>>()),
            Self::Picture { picture, .. } => embedder.pictures(std::slice::from_ref(picture)),
        };
        vectors.map_err(|error| failed(Fault::Task, format!("failed to {error}")))
    }

    fn row(&self, first: usize, i: usize, vector: Vector) -> Row {
        let (line, name) = match self {
            Self::Texts(items) => (items[i].line, items[i].name.clone()),
            Self::Picture { name, .. } => (0, name.clone()),
        };
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (tokens, left_out) = (small(vector.tokens), small(vector.left_out));
        Row { index: (first + i) as u64, line, name, tokens, left_out, vector: vector.values }
    }
}

fn failed(fault: Fault, message: String) -> TaskFailure {
    TaskFailure { fault, message }
}

fn from_json<T: serde::de::DeserializeOwned>(task: &TaskSpec) -> Result<T, TaskFailure> {
    serde_json::from_value(task.params.clone())
        .map_err(|error| failed(Fault::Input, format!("read the task's parameters: {error}")))
}

/// A task of some rows of one input, and its number.
fn rows_task(
    order: &Order,
    number: usize,
    input: &(String, Digest, usize),
    first: usize,
    count: usize,
) -> Result<TaskSpec, BadInput> {
    let Order { params, record, .. } = order;
    let told = RowsParams {
        model: record.name.clone(),
        digest: record.digest,
        file: if order.inputs.len() > 1 { input.0.clone() } else { params.file.clone() },
        texts: params.texts,
        field: params.field.clone(),
        normalize: params.normalize,
        dtype: params.dtype,
        first,
        count,
    };
    Ok(TaskSpec {
        name: part_name(number),
        step: "embed".into(),
        params: serde_json::to_value(told).map_err(|error| bad("", 0, 0, error.to_string()))?,
        inputs: BTreeMap::from([(INPUT.to_owned(), Input { from: Origin::Blob(input.1) })]),
        ask: Ask {
            memory_bytes: record.bytes * 2 + WORKING_BYTES,
            seconds: 1.0 + count as f64 * SECONDS_A_ROW,
            class: Class::Cpu,
            models: vec![record.name.clone()],
            needs: vec![record.needs()],
            ..Ask::default()
        },
        rank: 0,
        label: format!("{count} rows of {}", if order.inputs.len() > 1 { &input.0 } else { &params.file }),
    })
}

/// Numbers of one width sort as they count.
fn part_name(number: usize) -> String {
    format!("embed/{number:07}")
}

impl Kind for Embed {
    fn name(&self) -> &'static str {
        KIND
    }

    fn takes(&self) -> Takes {
        Takes { input: INPUT, bytes_max: crate::source::FILE_BYTES_MAX as u64, ..Takes::default() }
    }

    fn plan(&self, job: &JobSpec, _: Class, read: Read<'_>) -> Result<Plan, BadInput> {
        let (order, outline) = self.order(job, read)?;
        let (params, record) = (&order.params, &order.record);
        let mut tasks = Vec::new();
        let mut rows = 0;
        for input in &order.inputs {
            for first in (0..input.2).step_by(params.rows_a_task) {
                let count = params.rows_a_task.min(input.2 - first);
                tasks.push(rows_task(&order, tasks.len(), input, rows + first, count)?);
            }
            rows += input.2;
        }
        let part = |task: &TaskSpec| {
            let from = Origin::Output { task: task.name.clone(), name: PART.into() };
            (task.name.clone(), Input { from })
        };
        let told = JoinParams {
            model: record.name.clone(),
            digest: record.digest,
            family: record.family.word().into(),
            file: params.file.clone(),
            format: params.format,
            dtype: params.dtype,
            unit: params.normalize.unwrap_or(outline.gives_units()),
            width: outline.width(),
            tokens_max: outline.tokens_max(),
            rows,
            version: env!("CARGO_PKG_VERSION").into(),
        };
        tasks.push(TaskSpec {
            name: JOIN.into(),
            step: JOIN.into(),
            params: serde_json::to_value(told).map_err(|error| bad("", 0, 0, error.to_string()))?,
            inputs: tasks.iter().map(part).collect(),
            ask: Ask { memory_bytes: WORKING_BYTES, seconds: 1.0, ..Ask::default() },
            rank: 1,
            label: format!("{rows} rows together"),
        });
        Ok(Plan { tasks })
    }

    fn files(&self, job: &JobSpec, outputs: &Outputs) -> Vec<File> {
        let format =
            job.params.get("format").cloned().map_or(Ok(crate::Format::default()), serde_json::from_value).unwrap_or_default();
        let file = |output: &str, name: &str, media_type: &'static str| {
            let digest = outputs.get(&(JOIN.to_owned(), output.to_owned()))?;
            Some(File { name: name.into(), media_type, digest: *digest })
        };
        [file(VECTORS, format.file(), format.media_type()), file(MANIFEST, "manifest.json", "application/json")]
            .into_iter()
            .flatten()
            .collect()
    }

    fn run(&self, task: &TaskSpec, desk: &mut dyn Desk) -> Result<TaskResult, TaskFailure> {
        match task.step.as_str() {
            "embed" => self.rows(task, desk),
            JOIN => Self::join(task, desk),
            other => Err(failed(Fault::Input, format!("run embed step {other:?}: there is no such step"))),
        }
    }
}
