//! `klieg login`, `klieg logout`, `klieg tokens`, `klieg accounts`: who one is on a farm.

use super::{Common, LinkArgs, Stop, block_on, door, jobs::encoded, link_stop, print, print_json, profile::Profile};
use http::Method;
use klieg_api::client::Client;
use klieg_nodes::remote::LinkOptions;
use serde_json::{Value, json};
use std::{
    io::{BufRead, IsTerminal, Write},
    path::PathBuf,
};

#[derive(clap::Args)]
pub struct LoginArgs {
    /// The farm's server, such as https://farm.example:7421.
    server: String,
    /// The account's name; without it the token that is given with --token, --token-file or KLIEG_TOKEN is kept.
    #[arg(long, short)]
    name: Option<String>,
    #[command(flatten)]
    link: LinkArgs,
}

#[derive(clap::Subcommand)]
pub enum TokensVerb {
    /// List one's own tokens.
    List,
    /// Make a token; it is shown once.
    Make {
        /// What it is for.
        name: String,
        /// What it may do (read-jobs, submit-jobs, …) [default: read-jobs].
        #[arg(long, value_delimiter = ',', default_value = "read-jobs")]
        scopes: Vec<String>,
        /// Days until it is worth nothing [default: for ever].
        #[arg(long, value_name = "DAYS")]
        days: Option<u32>,
        /// For another account's id, as admins may: such as a node's.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// End a token.
    End {
        /// Its id, as `klieg tokens list` shows it.
        id: String,
    },
}

#[derive(clap::Subcommand)]
pub enum AccountsVerb {
    /// List all accounts.
    List,
    /// Make an account; the password is read from standard input.
    Make {
        name: String,
        /// admin, operator, moderator, creator, viewer or node.
        #[arg(long, default_value = "creator")]
        role: String,
    },
    /// Close an account: its sessions and tokens are worth nothing from then on.
    Close {
        /// Its id, as `klieg accounts list` shows it.
        id: String,
    },
    /// Bring everything that the farm has about an account, as a ZIP of JSON and CSV: one's own, or anybody's for admins.
    Export {
        /// Its id, as `klieg accounts list` shows it; `me`: one's own.
        id: String,
        /// The file to write.
        #[arg(long, short, value_name = "FILE", default_value = "klieg-account.zip")]
        output: PathBuf,
    },
    /// Forget who an account was: its name, password, sessions, tokens and webhooks are gone for good.
    Erase {
        /// Its id, as `klieg accounts list` shows it; `me`: one's own.
        id: String,
        /// That it is meant: it cannot be undone.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Show who did what, the newest first.
    Audit {
        /// How many entries.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
}

/// The permissions that a login asks for: all that the account's role has, but for a node's.
const KEPT_DAYS: i64 = 30;

pub fn login(common: &Common, args: &LoginArgs) -> Result<(), Stop> {
    let server = args.server.trim_end_matches('/').to_owned();
    let link = LinkArgs { server: vec![server.clone()], ..args.link.clone() };
    let profile = match &args.name {
        None => {
            let options = link.options()?;
            block_on(async { client_of(&options)?.get::<Value>("/auth/me").await.map_err(|e| link_stop(&e)) })??;
            Profile { server, token: options.token, token_id: None, ca: link.ca }
        }
        Some(name) => {
            let password = password(common, "Password")?;
            block_on(signed_in(&server, &link, name, &password))??
        }
    };
    let path = profile.write()?;
    if !common.quiet {
        print(&format!("every verb speaks to {} from now on; the token is in {}\n", profile.server, path.display()));
    }
    Ok(())
}

fn client_of(options: &LinkOptions) -> Result<Client, Stop> {
    door::client(options)
}

/// Signs in, and makes a token that outlives the session.
async fn signed_in(server: &str, link: &LinkArgs, name: &str, password: &str) -> Result<Profile, Stop> {
    let options = |token: &str| LinkOptions { servers: vec![server.to_owned()], token: token.to_owned(), ca: link.ca.clone() };
    let nobody = client_of(&options("nobody-has-logged-in"))?;
    let pair = ask(&nobody, Method::POST, "/auth/login", Some(&json!({"name": name, "password": password}))).await?;
    let session = client_of(&options(pair["access_token"].as_str().unwrap_or_default()))?;
    let me: Value = session.get("/auth/me").await.map_err(|e| link_stop(&e))?;
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let label = format!("klieg login on {}", if host.trim().is_empty() { "this machine" } else { host.trim() });
    let wanted = json!({"name": label, "scopes": me["permissions"], "expires_at": klieg_api::access::now() + KEPT_DAYS * 86_400});
    let issued = ask(&session, Method::POST, "/tokens", Some(&wanted)).await?;
    ask(&session, Method::POST, "/auth/logout", None).await?;
    let text = |name: &str| issued[name].as_str().unwrap_or_default().to_owned();
    Ok(Profile { server: server.to_owned(), token: text("token"), token_id: Some(text("id")), ca: link.ca.clone() })
}

/// Asks a server to do something; gives what it answers, or nothing.
pub async fn ask(client: &Client, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Stop> {
    client.send(method, path, body).await.map(Option::unwrap_or_default).map_err(|e| link_stop(&e))
}

/// A line of standard input; a terminal does not show it.
fn password(common: &Common, what: &str) -> Result<String, Stop> {
    let terminal = std::io::stdin().is_terminal();
    if terminal && !common.quiet {
        eprint!("{what}: ");
        let _ = std::io::stderr().flush();
    }
    let hidden = terminal.then(Hidden::new).flatten();
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    if hidden.is_some() {
        eprintln!();
    }
    drop(hidden);
    read.map_err(|e| Stop::bad(format!("read the password: {e}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that shows nothing of what is typed, as long as this lives.
struct Hidden(nix::sys::termios::Termios);

impl Hidden {
    fn new() -> Option<Self> {
        use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(std::io::stdin(), SetArg::TCSANOW, &silent).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = nix::sys::termios::tcsetattr(std::io::stdin(), nix::sys::termios::SetArg::TCSANOW, &self.0);
    }
}

pub fn logout(common: &Common) -> Result<(), Stop> {
    let Some(profile) = Profile::read()? else { return Err(Stop::bad("nobody is logged in; `klieg login URL` does that")) };
    if let Some(id) = &profile.token_id {
        let options = LinkOptions { servers: vec![profile.server.clone()], token: profile.token.clone(), ca: profile.ca.clone() };
        let ended = block_on(async { ask(&client_of(&options)?, Method::DELETE, &format!("/tokens/{id}"), None).await })?;
        if let Err(stop) = ended {
            eprintln!("klieg: the token could not be ended there ({}); it is forgotten here", stop.message);
        }
    }
    Profile::forget()?;
    if !common.quiet {
        print(&format!("logged out of {}\n", profile.server));
    }
    Ok(())
}

pub fn tokens(common: &Common, link: &LinkArgs, verb: &TokensVerb) -> Result<(), Stop> {
    let client = door::server(common, link)?;
    let answer = block_on(async {
        match verb {
            TokensVerb::List => client.get("/tokens").await.map_err(|e| link_stop(&e)),
            TokensVerb::Make { name, scopes, days, account } => {
                let expires = days.map(|days| klieg_api::access::now() + i64::from(days) * 86_400);
                let body = json!({"name": name, "scopes": scopes, "expires_at": expires, "account": account});
                ask(&client, Method::POST, "/tokens", Some(&body)).await
            }
            TokensVerb::End { id } => ask(&client, Method::DELETE, &format!("/tokens/{id}"), None).await,
        }
    })??;
    shown(common, &answer, |one| match one["token"].as_str() {
        Some(token) => format!("{token}\n"),
        None => format!(
            "{:<24} {:<8} {:<28} {}\n",
            word(one, "id"),
            if one["ended"] == true { "ended" } else { "works" },
            word(one, "name"),
            words(&one["scopes"])
        ),
    })
}

pub fn accounts(common: &Common, link: &LinkArgs, verb: &AccountsVerb) -> Result<(), Stop> {
    let client = door::server(common, link)?;
    let secret = match verb {
        AccountsVerb::Make { .. } => password(common, "Password of the new account")?,
        _ => String::new(),
    };
    let answer = block_on(async {
        match verb {
            AccountsVerb::List => client.get("/accounts").await.map_err(|e| link_stop(&e)),
            AccountsVerb::Make { name, role } => {
                ask(&client, Method::POST, "/auth/register", Some(&json!({"name": name, "password": secret, "role": role}))).await
            }
            AccountsVerb::Close { id } => ask(&client, Method::DELETE, &format!("/accounts/{id}"), None).await,
            AccountsVerb::Export { id, output } => {
                let path = format!("/accounts/{}/export", encoded(&whose(&client, id).await?));
                let zip = client.bytes(&path, EXPORT_BYTES_MAX).await.map_err(|e| link_stop(&e))?;
                tokio::fs::write(output, &zip).await.map_err(|e| Stop::failed(format!("write {}: {e}", output.display())))?;
                Ok(json!({"file": output, "bytes": zip.len()}))
            }
            AccountsVerb::Erase { id, .. } => {
                let path = format!("/accounts/{}/erase", encoded(&whose(&client, id).await?));
                ask(&client, Method::POST, &path, None).await
            }
            AccountsVerb::Audit { limit } => {
                let page: Value = client.get(&format!("/audit?limit={limit}")).await.map_err(|e| link_stop(&e))?;
                Ok(page["entries"].clone())
            }
        }
    })??;
    shown(common, &answer, |one| match one["action"].as_str() {
        None if one["file"].is_string() => format!("{} ({} bytes)\n", word(one, "file"), one["bytes"]),
        Some(action) => {
            let at = one["at"].as_i64().and_then(|at| chrono::DateTime::from_timestamp(at, 0));
            let at = at.map(|at| at.format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default();
            format!("{at}  {:<20} {:<24} {}\n", word(one, "actor"), action, word(one, "subject"))
        }
        None => {
            let closed = if one["closed"] == true { " (closed)" } else { "" };
            format!("{:<24} {:<10} {}{closed}\n", word(one, "id"), word(one, "role"), word(one, "name"))
        }
    })
}

/// Of an export.
const EXPORT_BYTES_MAX: usize = 1 << 30;

/// An account's id; one's own where `me` is said.
async fn whose(client: &Client, id: &str) -> Result<String, Stop> {
    if id != "me" {
        return Ok(id.to_owned());
    }
    let me: Value = client.get("/auth/me").await.map_err(|e| link_stop(&e))?;
    Ok(word(&me, "account").to_owned())
}

pub fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

pub fn words(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

/// A list, or one; nothing for what only was done.
pub fn shown(common: &Common, answer: &Value, line: impl Fn(&Value) -> String) -> Result<(), Stop> {
    match answer {
        Value::Null => Ok(()),
        answer if common.json => print_json(answer),
        Value::Array(all) => {
            all.iter().for_each(|one| print(&line(one)));
            Ok(())
        }
        one => {
            print(&line(one));
            Ok(())
        }
    }
}
