use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What somebody is on a farm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything.
    Admin,
    /// Runs the farm: nodes, queues, everybody's jobs; not accounts.
    Operator,
    /// Looks at what was made and decides whether it may be shown.
    Moderator,
    /// Submits jobs and fetches what they make.
    Creator,
    /// Looks.
    Viewer,
    /// An agent: takes tasks and hands in results.
    Node,
}

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Look at jobs, their tasks, events and outputs.
    ReadJobs,
    /// Submit, cancel and retry jobs of one's own; upload what they need.
    SubmitJobs,
    /// Cancel, retry and reorder everybody's jobs; delete them.
    ManageJobs,
    /// Submit jobs that run the submitter's own commands (Open Job Description).
    RunCommands,
    /// Decide on what moderation held back.
    Moderate,
    /// Look at nodes, queues, costs.
    ReadFarm,
    /// Drain nodes, set shares and limits.
    ManageFarm,
    /// Join as a node, take tasks, hand in results.
    WorkTasks,
    /// Make, change and close accounts and everybody's tokens; read the audit.
    ManageAccounts,
    /// Change one's own password, tokens and webhooks.
    OwnAccount,
}

impl Role {
    pub const ALL: [Self; 6] = [Self::Admin, Self::Operator, Self::Moderator, Self::Creator, Self::Viewer, Self::Node];

    /// The one table of who may do what.
    pub fn may(self, permission: Permission) -> bool {
        use Permission::{ManageFarm, ManageJobs, Moderate, OwnAccount, ReadFarm, ReadJobs, RunCommands, SubmitJobs, WorkTasks};
        match self {
            Self::Admin => permission != WorkTasks,
            Self::Operator => {
                matches!(permission, ReadJobs | SubmitJobs | ManageJobs | RunCommands | ReadFarm | ManageFarm | OwnAccount)
            }
            Self::Moderator => matches!(permission, ReadJobs | Moderate | OwnAccount),
            Self::Creator => matches!(permission, ReadJobs | SubmitJobs | OwnAccount),
            Self::Viewer => matches!(permission, ReadJobs | ReadFarm | OwnAccount),
            Self::Node => permission == WorkTasks,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Moderator => "moderator",
            Self::Creator => "creator",
            Self::Viewer => "viewer",
            Self::Node => "node",
        }
    }
}

impl Permission {
    pub const ALL: [Self; 10] = [
        Self::ReadJobs,
        Self::SubmitJobs,
        Self::ManageJobs,
        Self::RunCommands,
        Self::Moderate,
        Self::ReadFarm,
        Self::ManageFarm,
        Self::WorkTasks,
        Self::ManageAccounts,
        Self::OwnAccount,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::ReadJobs => "read-jobs",
            Self::SubmitJobs => "submit-jobs",
            Self::ManageJobs => "manage-jobs",
            Self::RunCommands => "run-commands",
            Self::Moderate => "moderate",
            Self::ReadFarm => "read-farm",
            Self::ManageFarm => "manage-farm",
            Self::WorkTasks => "work-tasks",
            Self::ManageAccounts => "manage-accounts",
            Self::OwnAccount => "own-account",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// No role, or permission, is called that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read {0:?}: expected one of {1}")]
pub struct Unknown(pub String, pub String);

fn named<T: Copy + fmt::Display>(text: &str, all: &[T]) -> Result<T, Unknown> {
    let known = || all.iter().map(T::to_string).collect::<Vec<_>>().join(", ");
    all.iter().copied().find(|one| one.to_string() == text).ok_or_else(|| Unknown(text.into(), known()))
}

impl FromStr for Role {
    type Err = Unknown;
    fn from_str(text: &str) -> Result<Self, Unknown> {
        named(text, &Self::ALL)
    }
}

impl FromStr for Permission {
    type Err = Unknown;
    fn from_str(text: &str) -> Result<Self, Unknown> {
        named(text, &Self::ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_no_other() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
        for permission in Permission::ALL {
            assert_eq!(permission.to_string().parse(), Ok(permission));
            assert_eq!(serde_json::to_string(&permission).unwrap(), format!("\"{permission}\""));
        }
        assert!("root".parse::<Role>().unwrap_err().to_string().contains("admin, operator"));
    }

    #[test]
    fn a_node_may_only_work_and_nobody_else_may() {
        for permission in Permission::ALL {
            assert_eq!(Role::Node.may(permission), permission == Permission::WorkTasks);
        }
        for role in Role::ALL.into_iter().filter(|role| *role != Role::Node) {
            assert!(!role.may(Permission::WorkTasks), "{role}");
            assert!(role.may(Permission::ReadJobs) && role.may(Permission::OwnAccount), "{role}");
        }
        let managers: Vec<Role> = Role::ALL.into_iter().filter(|role| role.may(Permission::ManageAccounts)).collect();
        assert_eq!(managers, [Role::Admin]);
    }
}
