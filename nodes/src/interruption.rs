//! Notices by which a cloud tells a machine that it will be taken away soon.
//!
//! Sources: AWS, "Spot Instance interruption notices" (IMDSv2; polled every 5 s, 2 minutes ahead); Google Cloud, "Spot VMs: preemption
//! process" (30 s ahead); Azure, "Scheduled Events for Linux VMs" (30 s ahead for a preempted machine).

use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Method, Request, StatusCode, body::Bytes};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use std::{fmt, str::FromStr, time::Duration};

/// How often the cloud is asked: what AWS recommends.
pub const EVERY: Duration = Duration::from_secs(5);
/// How long an answer may take, and be.
const ANSWER_MAX: Duration = Duration::from_secs(2);
const ANSWER_MAX_BYTES: usize = 1 << 16;

/// Whose machine this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    Aws,
    Gcp,
    Azure,
}

/// The word is no cloud.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find the cloud {0:?}: klieg knows aws, gcp and azure")]
pub struct NoSuchCloud(String);

impl FromStr for Cloud {
    type Err = NoSuchCloud;
    fn from_str(word: &str) -> Result<Self, NoSuchCloud> {
        match word {
            "aws" => Ok(Self::Aws),
            "gcp" => Ok(Self::Gcp),
            "azure" => Ok(Self::Azure),
            other => Err(NoSuchCloud(other.into())),
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aws => "aws",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
        })
    }
}

/// The metadata service could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("ask the cloud's metadata service{0}")]
struct Unheard(String);

/// The metadata service of the cloud that this machine runs in.
pub struct Metadata {
    cloud: Cloud,
    /// "http://169.254.169.254".
    base: String,
    client: Client<HttpConnector, Empty<Bytes>>,
    /// Of AWS: asked for when there is none, or it is not taken any more.
    token: Option<String>,
    /// Azure tells of every machine of a set: this is ours.
    name: Option<String>,
}

impl Metadata {
    /// Where each of the clouds has it.
    pub fn of(cloud: Cloud) -> Self {
        Self::at(cloud, "http://169.254.169.254")
    }

    /// At another address.
    pub fn at(cloud: Cloud, base: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { cloud, base: base.trim_end_matches('/').into(), client, token: None, name: None }
    }

    /// Returns when the cloud tells that the machine will be taken away, with a sentence for people. Asks every `every`; a
    /// service that does not answer is asked again.
    pub async fn interruption(mut self, every: Duration) -> String {
        let mut heard = true;
        let mut pulse = tokio::time::interval(every);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            pulse.tick().await;
            match self.look().await {
                Ok(Some(notice)) => return notice,
                Ok(None) => heard = true,
                Err(why) => {
                    if std::mem::replace(&mut heard, false) {
                        tracing::warn!(cloud = %self.cloud, "failed to {why}; interruptions are not noticed until it answers");
                    }
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Option<String>, Unheard> {
        match self.cloud {
            Cloud::Aws => self.aws().await,
            Cloud::Gcp => self.gcp().await,
            Cloud::Azure => self.azure().await,
        }
    }

    async fn aws(&mut self) -> Result<Option<String>, Unheard> {
        let token = match self.token.take() {
            Some(token) => token,
            None => {
                let header = ("X-aws-ec2-metadata-token-ttl-seconds", "21600");
                let (status, token) = self.ask(Method::PUT, "/latest/api/token", header).await?;
                if status != StatusCode::OK {
                    return Err(Unheard(format!(": it gives no token, but status {status}")));
                }
                token
            }
        };
        let header = ("X-aws-ec2-metadata-token", token.as_str());
        let (status, text) = self.ask(Method::GET, "/latest/meta-data/spot/instance-action", header).await?;
        match status {
            StatusCode::OK => Ok(Some(format!("AWS takes the machine away: {}", text.trim()))),
            StatusCode::NOT_FOUND => {
                self.token = Some(token);
                Ok(None)
            }
            // The next look asks for another token.
            other => Err(Unheard(format!(": it answers with status {other}"))),
        }
    }

    async fn gcp(&self) -> Result<Option<String>, Unheard> {
        let path = "/computeMetadata/v1/instance/preempted";
        let (status, text) = self.ask(Method::GET, path, ("Metadata-Flavor", "Google")).await?;
        match (status, text.trim()) {
            (StatusCode::OK, "TRUE") => Ok(Some("Google Cloud takes the machine away: it is preempted".into())),
            (StatusCode::OK, _) => Ok(None),
            (other, _) => Err(Unheard(format!(": it answers with status {other}"))),
        }
    }

    async fn azure(&mut self) -> Result<Option<String>, Unheard> {
        let header = ("Metadata", "true");
        if self.name.is_none() {
            let path = "/metadata/instance/compute/name?api-version=2021-02-01&format=text";
            let (status, name) = self.ask(Method::GET, path, header).await?;
            if status != StatusCode::OK {
                return Err(Unheard(format!(": it does not tell the machine's name, but answers with status {status}")));
            }
            self.name = Some(name.trim().into());
        }
        let (status, text) = self.ask(Method::GET, "/metadata/scheduledevents?api-version=2020-07-01", header).await?;
        if status != StatusCode::OK {
            return Err(Unheard(format!(": it answers with status {status}")));
        }
        let told: Events = serde_json::from_str(&text).map_err(|error| Unheard(format!(": {error}")))?;
        let ours = |event: &&Event| event.takes_away() && event.resources.iter().any(|name| Some(name) == self.name.as_ref());
        Ok(told
            .events
            .iter()
            .find(ours)
            .map(|event| format!("Azure takes the machine away: {} at {}", event.kind, event.not_before)))
    }

    /// Asks for a path with one header: status and text.
    async fn ask(&self, method: Method, path: &str, (name, value): (&str, &str)) -> Result<(StatusCode, String), Unheard> {
        let unheard = |error: &dyn fmt::Display| Unheard(format!(" at {}: {error}", self.base));
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base)).header(name, value);
        let request = request.body(Empty::new()).map_err(|error| unheard(&error))?;
        let answer = async {
            let (head, body) = self.client.request(request).await.map_err(|error| unheard(&error))?.into_parts();
            let body = Limited::new(body, ANSWER_MAX_BYTES).collect().await.map_err(|error| unheard(&error))?;
            Ok((head.status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
        };
        tokio::time::timeout(ANSWER_MAX, answer).await.map_err(|_| unheard(&"no answer in time"))?
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Events {
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    #[serde(rename = "EventType")]
    kind: String,
    #[serde(default)]
    resources: Vec<String>,
    #[serde(default)]
    not_before: String,
}

impl Event {
    /// What runs does not live on. A `Freeze` is a pause of seconds.
    fn takes_away(&self) -> bool {
        matches!(self.kind.as_str(), "Preempt" | "Terminate" | "Reboot" | "Redeploy")
    }
}

#[cfg(test)]
mod tests;
