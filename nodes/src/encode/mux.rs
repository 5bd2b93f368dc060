//! Writing a container.

use super::{fail, partial::Partial};
use ffmpeg_next::{
    Dictionary, Error, Packet, Rational, ffi,
    format::{self, context::Output},
};
use klieg_protocol::TaskFailure;
use std::path::Path;

/// An open container; the file appears when it is finished.
pub(super) struct Muxer {
    // before `partial`, so that it is closed when the file is removed
    output: Output,
    partial: Partial,
    path: std::path::PathBuf,
    /// The time base in which each stream's packets are handed in.
    bases: Vec<Rational>,
}

impl Muxer {
    /// `muxer`: FFmpeg's name of the container.
    pub(super) fn create(path: &Path, muxer: &str) -> Result<Self, TaskFailure> {
        let partial = Partial::beside(path)?;
        let mut output = format::output_as(&url(partial.path())?, muxer).map_err(fail::ffmpeg("create", path))?;
        // SAFETY: the context is live; flags may be set until the header is written. Bit-exact: no date, no program's name.
        unsafe { (*output.as_mut_ptr()).flags |= ffi::AVFMT_FLAG_BITEXACT };
        Ok(Self { output, partial, path: path.to_owned(), bases: Vec::new() })
    }

    /// Adds a stream whose packets come in `base`; `describe` sets its parameters.
    pub(super) fn add(
        &mut self,
        base: Rational,
        describe: impl FnOnce(&mut format::stream::StreamMut<'_>),
    ) -> Result<usize, TaskFailure> {
        let none: Option<ffmpeg_next::Codec> = None;
        let mut stream = self.output.add_stream(none).map_err(fail::ffmpeg("add a stream to", &self.path))?;
        stream.set_time_base(base);
        describe(&mut stream);
        self.bases.push(base);
        Ok(self.bases.len() - 1)
    }

    /// A chapter in milliseconds.
    pub(super) fn chapter(&mut self, id: i64, start: i64, end: i64, title: &str) -> Result<(), TaskFailure> {
        let title = title.replace('\0', " ");
        self.output.add_chapter(id, (1, 1000), start, end, title).map_err(fail::ffmpeg("add a chapter to", &self.path))?;
        Ok(())
    }

    pub(super) fn metadata<'a>(&mut self, entries: impl Iterator<Item = (&'a String, &'a String)>) {
        self.output.set_metadata(entries.map(|(k, v)| (k.replace('\0', " "), v.replace('\0', " "))).collect());
    }

    pub(super) fn begin(&mut self, options: Dictionary<'_>) -> Result<(), TaskFailure> {
        self.output.write_header_with(options).map(drop).map_err(fail::ffmpeg("begin", &self.path))
    }

    /// Writes a packet; packets come in the order in which they are to stand in the file.
    pub(super) fn write(&mut self, mut packet: Packet, stream: usize) -> Result<(), TaskFailure> {
        let base = self.output.stream(stream).map_or(self.bases[stream], |s| s.time_base());
        packet.set_stream(stream);
        packet.rescale_ts(self.bases[stream], base);
        packet.set_position(-1);
        packet.write(&mut self.output).map(drop).map_err(fail::ffmpeg("write to", &self.path))
    }

    /// Ends the container, puts it on disk and gives it its name.
    pub(super) fn finish(mut self) -> Result<(), TaskFailure> {
        self.output.write_trailer().map_err(fail::ffmpeg("finish", &self.path))?;
        // SAFETY: the context and its byte stream are live until `output` is dropped.
        let error = unsafe {
            let io = (*self.output.as_mut_ptr()).pb;
            ffi::avio_flush(io);
            (*io).error
        };
        if error < 0 {
            return Err(fail::ffmpeg("write", &self.path)(Error::from(error)));
        }
        drop(self.output);
        self.partial.publish()
    }
}

/// A path as FFmpeg wants it: never taken for another protocol.
pub(super) fn url(path: &Path) -> Result<String, TaskFailure> {
    let text = path.to_str().filter(|p| !p.contains('\0'));
    text.map(|p| format!("file:{p}")).ok_or_else(|| fail::task(format!("{} is no file name that FFmpeg can use", path.display())))
}
