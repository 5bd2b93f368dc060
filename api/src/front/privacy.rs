//! What the farm knows of somebody, for them; and forgetting it. What an admin may do, everybody may for themselves.

use super::{
    Problems, hooks,
    views::{AssetRecord, Job},
};
use crate::{
    access::{Who, now},
    app::App,
    problem::Trouble,
};
use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use klieg_accounts::{AccountId, Permission};
use klieg_scheduler::Farm;
use serde_json::{Value, json};
use std::io::Write;
use utoipa_axum::{router::OpenApiRouter, routes};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export)).routes(routes!(erase))
}

const README: &str = "What this farm's accounts have about one account, and what stands under its id elsewhere in the farm.

account        who it is
sessions       from each login to its logout
tokens         for programs, without their secrets
identities     by which other providers it is known here
webhooks       without the secrets that sign them
jobs           that it submitted and that are still listed; their scripts and films are fetched as outputs
assets         that it brought; their bytes are fetched by their digests
uploads        that count to a project and that it made
requests       under idempotency keys, of the last day
audit          what it did and what was done to it

Each as JSON and as CSV. Times are seconds since 1970, or milliseconds where the name ends in _ms. In CSV a text that a spreadsheet
would take for a formula begins with an apostrophe.
";

/// Whose account it is: one's own, or anybody's for who manages accounts.
fn theirs(who: &Who, id: String) -> Result<AccountId, Trouble> {
    let own = !who.owns && who.caller.account.0 == id;
    if own || who.may(Permission::ManageAccounts) {
        return Ok(AccountId(id));
    }
    let detail = "there is no such account, or it is somebody else's: that wants the permission manage-accounts";
    Err(Trouble::new(StatusCode::NOT_FOUND, detail).coded("no-such-account"))
}

/// Everything about an account, as a ZIP of JSON and CSV
///
/// One's own, or anybody's for admins. Secrets are not in it.
#[utoipa::path(get, path = "/accounts/{id}/export", tag = "people", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), Problems))]
async fn export(
    State(app): State<App>,
    Extension(farm): Extension<Farm>,
    Extension(who): Extension<Who>,
    Path(id): Path<String>,
) -> Result<Response, Trouble> {
    let id = theirs(&who, id)?;
    let _permit = app.transfers.enter()?;
    let tables = tables(&app, &farm, &id).await?;
    app.accounts()?.note(now(), &who.caller.account.0, "account-exported", &id.0).await?;
    let failed = |what: String| Trouble::new(StatusCode::INTERNAL_SERVER_ERROR, format!("failed to pack the export: {what}"));
    let packed = tokio::task::spawn_blocking(move || packed(&tables)).await.map_err(|error| failed(error.to_string()))?;
    let mut response = Response::new(Body::from(packed.map_err(failed)?));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"klieg-account.zip\""));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// A name and its rows.
type Table = (&'static str, Vec<Value>);

async fn tables(app: &App, farm: &Farm, id: &AccountId) -> Result<Vec<Table>, Trouble> {
    let (accounts, ledger) = (app.accounts()?, app.ledger().await?);
    let export = accounts.export(id).await?;
    let rows = |value: Result<Value, serde_json::Error>| match value {
        Ok(Value::Array(rows)) => rows,
        Ok(one) => vec![one],
        Err(_) => Vec::new(),
    };
    let jobs: Vec<Job> =
        farm.jobs().await?.into_iter().filter(|job| job.owner == id.0).map(|record| Job::new(record, None)).collect();
    let assets: Vec<AssetRecord> = app.assets()?.of_owner(&id.0).await?.into_iter().map(AssetRecord::from).collect();
    let uploads = ledger.uploads_by(&id.0).await?.into_iter().map(|upload| {
        json!({ "project": upload.project, "digest": upload.digest, "bytes": upload.bytes, "uploaded_at": upload.uploaded_at })
    });
    let requests = ledger.requests(&id.0).await?.into_iter();
    let requests = requests.map(|of| json!({ "begun_at": of.begun_at, "status": of.status, "location": of.location }));
    Ok(vec![
        ("account", rows(serde_json::to_value(&export.account))),
        ("sessions", rows(serde_json::to_value(&export.sessions))),
        ("tokens", rows(serde_json::to_value(&export.tokens))),
        ("identities", rows(serde_json::to_value(accounts.identities(id).await?))),
        ("webhooks", rows(serde_json::to_value(hooks::of_owner(app, &id.0).await?))),
        ("jobs", rows(serde_json::to_value(&jobs))),
        ("assets", rows(serde_json::to_value(&assets))),
        ("uploads", uploads.collect()),
        ("requests", requests.collect()),
        ("audit", rows(serde_json::to_value(&export.audit))),
    ])
}

fn packed(tables: &[Table]) -> Result<Vec<u8>, String> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut put = |name: &str, bytes: &[u8]| {
        zip.start_file(name, options).map_err(|e| e.to_string())?;
        zip.write_all(bytes).map_err(|e| e.to_string())
    };
    put("README.txt", README.as_bytes())?;
    for (name, rows) in tables {
        put(&format!("{name}.json"), &serde_json::to_vec_pretty(rows).map_err(|e| e.to_string())?)?;
        put(&format!("{name}.csv"), &table(rows)?)?;
    }
    zip.finish().map(std::io::Cursor::into_inner).map_err(|e| e.to_string())
}

/// Rows as CSV (RFC 4180), under the names that the first has.
fn table(rows: &[Value]) -> Result<Vec<u8>, String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let names: Vec<&String> = rows.first().and_then(Value::as_object).into_iter().flat_map(|row| row.keys()).collect();
    if !names.is_empty() {
        csv.write_record(&names).map_err(|e| e.to_string())?;
    }
    for row in rows {
        csv.write_record(names.iter().map(|name| cell(&row[name.as_str()]))).map_err(|e| e.to_string())?;
    }
    csv.into_inner().map_err(|e| e.to_string())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Forgets who an account was
///
/// Its name, password, sessions, tokens, webhooks and identities are gone, and it is closed. Its jobs and assets stay, and so does what the audit
/// says, under an id that says nothing about anybody. One's own, or anybody's for admins. It cannot be undone.
#[utoipa::path(post, path = "/accounts/{id}/erase", tag = "people", params(("id" = String, Path)), responses((status = 204), Problems))]
async fn erase(State(app): State<App>, Extension(who): Extension<Who>, Path(id): Path<String>) -> Result<StatusCode, Trouble> {
    let id = theirs(&who, id)?;
    let accounts = app.accounts()?;
    accounts.account(&id).await?;
    // The account last: until it is gone, the same can be asked for again.
    app.webhooks()?.remove_all(&id.0).await?;
    app.ledger().await?.forget_account(&id.0).await?;
    accounts.erase(&id, &who.caller.account.0, now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_one_that_no_spreadsheet_runs() {
        let rows = [json!({"a": "=1+1", "b": [1, 2], "c": null}), json!({"a": "x,\"y\"", "b": -3, "c": true})];
        let text = String::from_utf8(table(&rows).unwrap()).unwrap();
        assert_eq!(text, "a,b,c\n'=1+1,\"[1,2]\",\n\"x,\"\"y\"\"\",-3,true\n");
        assert_eq!(table(&[]).unwrap(), b"");
    }
}
