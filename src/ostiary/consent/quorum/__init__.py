"""Who has to say yes, and who has said it: several people, of certain roles, none of whom asked. Each yes is vouched for, so that no row alone makes one."""
