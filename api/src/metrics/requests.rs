//! What was asked, by route, and how long the answer took.

use super::text::{Kind, Text};
use crate::app::App;
use axum::{
    body::Body,
    extract::{MatchedPath, State},
    middleware::Next,
    response::Response,
};
use http::{Method, Request};
use klieg_scheduler::tally::Histogram;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use tokio::time::Instant;

/// In seconds.
const BOUNDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];
/// More pairs of route and method than there are; what is past it is not counted by route.
const SERIES_MAX: usize = 500;

struct Series {
    took: Histogram,
    /// By status.
    answers: BTreeMap<u16, u64>,
}

#[derive(Default)]
pub struct Requests(Mutex<BTreeMap<(&'static str, String), Series>>);

impl Requests {
    fn note(&self, route: &str, method: &Method, status: u16, begun: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (word(method), route.to_owned());
        if all.len() >= SERIES_MAX && !all.contains_key(&key) {
            return;
        }
        let series = all.entry(key).or_insert_with(|| Series { took: Histogram::new(BOUNDS), answers: BTreeMap::new() });
        series.took.note(begun.elapsed());
        *series.answers.entry(status).or_default() += 1;
    }

    pub fn tell(&self, text: &mut Text) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counted = text.family("klieg_http_requests_total", Kind::Counter, "Answered requests, by route.");
        for ((method, route), series) in all.iter() {
            for (status, count) in &series.answers {
                counted.sample(&[("route", route), ("method", method), ("status", &status.to_string())], count);
            }
        }
        let help = "Time until an answer began; events and agents' commands go on after that.";
        let mut took = text.family("klieg_http_request_duration_seconds", Kind::Histogram, help);
        for ((method, route), series) in all.iter() {
            took.histogram(&[("route", route), ("method", method)], &series.took);
        }
    }
}

/// Methods are words of the caller's: only known ones become labels.
fn word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" | "HEAD" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// Counts every request by its route's template; those of no route are one.
pub async fn count(State(app): State<App>, request: Request<Body>, next: Next) -> Response {
    let (begun, method) = (Instant::now(), request.method().clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    app.answered.note(route, &method, response.status().as_u16(), begun);
    response
}
