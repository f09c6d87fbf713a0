//! Accounts (`tencent.md` §5.5): which users there are, and whose UserSigs are worth nothing any more. What the cloud
//! keeps of a user beyond name and picture is not kept.

use super::{
    body::{Body, MAX_NEW_USER},
    command::{Call, told},
    error::{Code, RestError},
    rest::Outcome,
};
use crate::domain::{
    UserId,
    account::Account,
    request::{Answer, Request},
};
use serde::Serialize;

/// Accounts in one call.
const MOST: usize = 100;
/// Bytes of a name and of a picture's URL.
const MAX_PROFILE: usize = 500;

/// What is said of each account.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    result_item: Vec<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    #[serde(rename = "UserID")]
    user: String,
    result_code: u32,
    result_info: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_status: Option<&'static str>,
}

/// Who is there already gets the new name and picture.
pub fn import(call: &Call) -> Outcome {
    let account = account(&call.body)?;
    let user = account.user.clone();
    match &import_all(call, vec![account])?[..] {
        [] => Ok(None),
        _ => Err(RestError::new(Code::AccountsFull, format!("there is no room for the account {user}; delete some"))),
    }
}

/// The names alone, or with their profiles, as newer editions of the documents have it. Who cannot be imported is listed.
pub fn import_many(call: &Call) -> Outcome {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Imported {
        fail_accounts: Vec<String>,
    }
    const LIST: &str = "AccountList";
    let mut failed = Vec::new();
    let mut accounts = Vec::new();
    if call.body.has(LIST) {
        for part in call.body.some_parts(LIST, MOST)? {
            accounts.push(account(&part)?);
        }
    } else {
        let list = call.body.some_list("Accounts", MOST)?;
        // A long name fails alone, what is no name fails the call.
        for name in call.body.texts("Accounts", list, 0)? {
            match UserId::new(name).ok().filter(|_| name.len() <= MAX_NEW_USER) {
                Some(user) => accounts.push(Account { user, nick: String::new(), face_url: String::new() }),
                None => failed.push(name.to_owned()),
            }
        }
    }
    failed.extend(import_all(call, accounts)?);
    told(&Imported { fail_accounts: failed })
}

pub fn check(call: &Call) -> Outcome {
    let users = users(call, "CheckItem")?;
    match call.ask(Request::Accounts { app: call.app.id.clone(), users })? {
        Answer::Users(users) => {
            let status = |there| Some(if there { "Imported" } else { "NotImported" });
            let item = |(user, there): (UserId, bool)| Item { user: user.to_string(), result_code: 0, result_info: "", account_status: status(there) };
            told(&Found { result_item: users.into_iter().map(item).collect() })
        }
        other => Err(call.unexpected(&other)),
    }
}

/// Whose account is deleted is logged off, and is in no group any more.
pub fn delete(call: &Call) -> Outcome {
    let item = |user: UserId, result_code, result_info| Item { user: user.to_string(), result_code, result_info, account_status: None };
    // One by one: each may be in many groups, which are all told, and nobody else is to wait for the whole list.
    let delete = |user: UserId| match call.ask(Request::DeleteAccounts { app: call.app.id.clone(), users: vec![user.clone()], by: call.actor() }) {
        Ok(Answer::Users(users)) if users.iter().all(|(_, there)| *there) => Ok(item(user, 0, "")),
        Ok(Answer::Users(_)) => Ok(item(user, Code::NoSuchAccount as u32, "Err_TLS_PT_Open_Login_Account_Not_Exist")),
        Ok(other) => Err(call.unexpected(&other)),
        // Those before it are gone, and the caller has to know.
        Err(error) => Ok(item(user, error.number, "not deleted; try again")),
    };
    told(&Found { result_item: users(call, "DeleteItem")?.into_iter().map(delete).collect::<Result<_, _>>()? })
}

/// The user's session ends, and the UserSigs it has are worth nothing: it needs one that is made later.
pub fn kick(call: &Call) -> Outcome {
    let user = call.body.some_user("UserID")?;
    call.done(call.ask(Request::Revoke { app: call.app.id.clone(), user })?)
}

fn account(body: &Body) -> Result<Account, RestError> {
    let text = |name| Ok::<_, RestError>(body.text(name, MAX_PROFILE)?.unwrap_or_default().into());
    Ok(Account { user: body.some_new_user("UserID")?, nick: text("Nick")?, face_url: text("FaceUrl")? })
}

/// Returns those for whom there is no room.
fn import_all(call: &Call, accounts: Vec<Account>) -> Result<Vec<String>, RestError> {
    match call.ask(Request::ImportAccounts { app: call.app.id.clone(), accounts })? {
        Answer::Users(users) => Ok(users.into_iter().filter(|(_, room)| !room).map(|(user, _)| user.to_string()).collect()),
        other => Err(call.unexpected(&other)),
    }
}

fn users(call: &Call, list: &'static str) -> Result<Vec<UserId>, RestError> {
    call.body.some_parts(list, MOST)?.iter().map(|item| item.some_user("UserID")).collect()
}
