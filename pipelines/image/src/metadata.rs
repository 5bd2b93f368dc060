//! What a picture was made of, as it stands in its file: the parameters as JSON, and an XMP packet that other programs read.

use crate::params::ImageParams;
use serde_json::{Value, json};
use std::fmt::Write;

/// Where a picture that a program made without a trained model comes from (IPTC NewsCodes, digital source type).
pub const ALGORITHMIC: &str = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia";

/// Everything that gives these bytes again.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    pub prompt: String,
    pub parameters: Value,
}

impl Metadata {
    /// Of one picture of a job.
    pub fn of(params: &ImageParams, seed: u64, class: klieg_protocol::Class) -> Self {
        let parameters = json!({
            "klieg": env!("CARGO_PKG_VERSION"), "kind": "image", "renderer": "previz", "prompt": params.prompt, "negative": params.negative,
            "size": params.size, "seed": seed, "samples": params.samples, "device": class,
        });
        Self { prompt: params.prompt.clone(), parameters }
    }

    /// The name of the program and its version.
    pub fn software() -> String {
        format!("klieg {}", env!("CARGO_PKG_VERSION"))
    }

    /// An XMP packet (ISO 16684-1) with Dublin Core's description, the digital source type of the IPTC's extension, and the parameters.
    pub fn xmp(&self) -> String {
        let mut out = String::from(
            "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n",
        );
        let _ = write!(
            out,
            "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n<rdf:Description rdf:about=\"\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" \
             xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\" xmlns:klieg=\"https://klieg.invalid/ns/1.0/\" \
             xmp:CreatorTool=\"{}\" Iptc4xmpExt:DigitalSourceType=\"{ALGORITHMIC}\" klieg:parameters=\"{}\">\n\
             <dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">{}</rdf:li></rdf:Alt></dc:description>\n\
             </rdf:Description>\n</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"r\"?>",
            escaped(&Self::software()),
            escaped(&self.parameters.to_string()),
            escaped(&self.prompt),
        );
        out
    }
}

fn escaped(text: &str) -> String {
    // What XML can't hold at all is left out.
    let plain = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    plain.fold(String::new(), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_can_not_break_out_of_the_packet() {
        let metadata = Metadata { prompt: "a <b> & \"c\"\u{1}".into(), parameters: json!({"prompt": "\"<"}) };
        let xmp = metadata.xmp();
        assert!(xmp.contains("a &lt;b&gt; &amp; &quot;c&quot;</rdf:li>"), "{xmp}");
        assert!(xmp.contains("algorithmicMedia") && !xmp.contains('\u{1}'));
    }
}
