//! Rows of vectors: tasks hand them on as Arrow IPC, and the job gives them in the format that was asked for.

use crate::params::{Format, Number};
use arrow_array::builder::{FixedSizeListBuilder, Float16Builder, Float32Builder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use half::f16;
use std::io::{Read, Seek, Write};
use std::sync::Arc;

/// Columns of a table, in this order.
pub const COLUMNS: [&str; 6] = ["index", "line", "name", "tokens", "left_out", "vector"];

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its place in the input, from 0.
    pub index: u64,
    /// Of a text's beginning, from 1; of a picture 0.
    pub line: u32,
    pub name: String,
    /// Tokens that the model saw, and those there was no room for.
    pub tokens: u32,
    pub left_out: u32,
    pub vector: Vec<f32>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("write the vectors: {0}")]
    Arrow(#[from] ArrowError),
    #[error("write the vectors as Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    #[error("write the vectors: {0}")]
    Io(#[from] std::io::Error),
    #[error("write the vectors as JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("read a part of the vectors: its columns are {0}")]
    Columns(String),
}

fn schema(width: usize, number: Number) -> SchemaRef {
    let of = match number {
        Number::F32 => DataType::Float32,
        Number::F16 => DataType::Float16,
    };
    let vector = DataType::FixedSizeList(Arc::new(Field::new("item", of, false)), width as i32);
    let types = [DataType::UInt64, DataType::UInt32, DataType::Utf8, DataType::UInt32, DataType::UInt32, vector];
    Arc::new(Schema::new(COLUMNS.iter().zip(types).map(|(name, of)| Field::new(*name, of, false)).collect::<Vec<_>>()))
}

/// Rows whose vectors all have `width` floats.
pub fn batch(rows: &[Row], width: usize, number: Number) -> Result<RecordBatch, Error> {
    let schema = schema(width, number);
    let DataType::FixedSizeList(item, _) = schema.field(COLUMNS.len() - 1).data_type().clone() else {
        return Err(Error::Columns(format!("{schema:?}")));
    };
    let floats = || rows.iter().flat_map(|row| row.vector.iter().copied());
    let vectors: ArrayRef = match number {
        Number::F32 => {
            let mut list = FixedSizeListBuilder::new(Float32Builder::new(), width as i32).with_field(item);
            floats().for_each(|x| list.values().append_value(x));
            rows.iter().for_each(|_| list.append(true));
            Arc::new(list.finish())
        }
        Number::F16 => {
            let mut list = FixedSizeListBuilder::new(Float16Builder::new(), width as i32).with_field(item);
            floats().for_each(|x| list.values().append_value(f16::from_f32(x)));
            rows.iter().for_each(|_| list.append(true));
            Arc::new(list.finish())
        }
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.index))),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.line))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.name))),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.tokens))),
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.left_out))),
        vectors,
    ];
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// The rows of a batch that `batch` made.
pub fn rows(batch: &RecordBatch) -> Result<Vec<Row>, Error> {
    let columns = || Error::Columns(format!("{:?}", batch.schema()));
    if !batch.schema().fields().iter().map(|field| field.name()).eq(COLUMNS) {
        return Err(columns());
    }
    let numbers = |i: usize| batch.column(i).as_primitive_opt::<UInt32Type>().ok_or_else(columns);
    let index = batch.column(0).as_primitive_opt::<UInt64Type>().ok_or_else(columns)?;
    let (line, tokens, left_out) = (numbers(1)?, numbers(3)?, numbers(4)?);
    let name = batch.column(2).as_string_opt::<i32>().ok_or_else(columns)?;
    let list = batch.column(5).as_fixed_size_list_opt().ok_or_else(columns)?;
    let vector = |i: usize| {
        let values = list.value(i);
        let wide = values.as_primitive_opt::<Float32Type>().map(|values| values.values().to_vec());
        let narrow = || values.as_primitive_opt::<Float16Type>().map(|values| values.values().iter().map(|x| x.to_f32()).collect());
        wide.or_else(narrow).ok_or_else(columns)
    };
    let row = |i: usize| {
        let (index, line, name) = (index.value(i), line.value(i), name.value(i).to_owned());
        Ok(Row { index, line, name, tokens: tokens.value(i), left_out: left_out.value(i), vector: vector(i)? })
    };
    (0..batch.num_rows()).map(row).collect()
}

/// Writes batches as they come.
pub enum Writer<W: Write + Send> {
    Arrow(Box<arrow_ipc::writer::FileWriter<W>>),
    Parquet(Box<parquet::arrow::ArrowWriter<W>>),
    Jsonl(W),
}

impl<W: Write + Send> Writer<W> {
    pub fn new(to: W, format: Format, width: usize, number: Number) -> Result<Self, Error> {
        let schema = schema(width, number);
        Ok(match format {
            Format::Arrow => Self::Arrow(Box::new(arrow_ipc::writer::FileWriter::try_new(to, &schema)?)),
            Format::Parquet => Self::Parquet(Box::new(parquet::arrow::ArrowWriter::try_new(to, schema, None)?)),
            Format::Jsonl => Self::Jsonl(to),
        })
    }

    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        match self {
            Self::Arrow(writer) => writer.write(batch)?,
            Self::Parquet(writer) => writer.write(batch)?,
            Self::Jsonl(to) => {
                for row in rows(batch)? {
                    let Row { index, line, name, tokens, left_out, vector } = row;
                    let object = serde_json::json!({
                        "index": index, "line": line, "name": name, "tokens": tokens, "left_out": left_out, "vector": vector,
                    });
                    serde_json::to_writer(&mut *to, &object)?;
                    to.write_all(b"\n")?;
                }
            }
        }
        Ok(())
    }

    pub fn finish(self) -> Result<(), Error> {
        match self {
            Self::Arrow(mut writer) => writer.finish()?,
            Self::Parquet(writer) => drop(writer.close()?),
            Self::Jsonl(mut to) => to.flush()?,
        }
        Ok(())
    }
}

/// The batches of an Arrow IPC file.
pub fn read<R: Read + Seek>(from: R) -> Result<Vec<RecordBatch>, Error> {
    Ok(arrow_ipc::reader::FileReader::try_new(from, None)?.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn some() -> Vec<Row> {
        let row = |i: u64| Row {
            index: i,
            line: i as u32 + 1,
            name: format!("row {i}"),
            tokens: 5,
            left_out: i as u32,
            vector: vec![i as f32, -0.5, 0.25],
        };
        (0..4).map(row).collect()
    }

    #[test]
    fn rows_survive_arrow_in_both_widths() -> Result<(), Error> {
        for number in [Number::F32, Number::F16] {
            let mut bytes = Vec::new();
            let mut writer = Writer::new(&mut bytes, Format::Arrow, 3, number)?;
            writer.write(&batch(&some()[..2], 3, number)?)?;
            writer.write(&batch(&some()[2..], 3, number)?)?;
            writer.finish()?;
            let all: Vec<Row> = read(Cursor::new(bytes))?.iter().map(rows).collect::<Result<Vec<_>, _>>()?.concat();
            assert_eq!(all, some());
        }
        Ok(())
    }

    #[test]
    fn parquet_is_read_back() -> Result<(), Error> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, Format::Parquet, 3, Number::F32)?;
        writer.write(&batch(&some(), 3, Number::F32)?)?;
        writer.finish()?;
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
        Ok(())
    }

    #[test]
    fn json_lines_are_rows() -> Result<(), Error> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes, Format::Jsonl, 3, Number::F32)?;
        writer.write(&batch(&some(), 3, Number::F32)?)?;
        writer.finish()?;
        let lines: Vec<serde_json::Value> =
            bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(serde_json::from_slice).collect::<Result<_, _>>()?;
        assert!(lines.len() == 4 && lines[3]["index"] == 3 && lines[3]["vector"][1] == -0.5);
        Ok(())
    }
}
