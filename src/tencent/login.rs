//! Who may log in (`tencent.md` §5.5). Accounts are not kept: whoever shows a UserSig of the application's is a
//! user, and any user can be kicked.

use super::{command::Call, rest::Outcome};
use crate::domain::request::Request;

/// The user's session ends, and the UserSigs it has are worth nothing: it needs one that is made later.
pub fn kick(call: &Call) -> Outcome {
    let user = call.body.some_user("UserID")?;
    call.done(call.ask(Request::Revoke { app: call.app.id.clone(), user })?)
}
