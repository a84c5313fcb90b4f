"""From somebody else's description of an interface (an OpenAPI document, an upstream's tool list) to drafts of contracts that people review. Nothing here
makes anything callable: a draft is data until a person accepts it, and accepting it is applying a contract file."""
