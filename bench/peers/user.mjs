// A user as the statements return it. JSON is decoded when it is needed, and only once.

export class User {
  #row;
  #permissions;

  constructor(row) {
    this.#row = row;
  }

  get __typename() {
    return "User";
  }
  get userId() {
    return this.#row.id;
  }
  get tenantId() {
    return this.#row.tenant_id;
  }
  get username() {
    return this.#row.username;
  }
  get image() {
    return this.#row.image;
  }
  get email() {
    return this.#row.email;
  }
  get isPlatformOwner() {
    return Boolean(this.#row.is_platform_owner);
  }
  get permissions() {
    return (this.#permissions ??= JSON.parse(this.#row.permissions));
  }
  get displayName() {
    const profile = JSON.parse(this.#row.profile_fields);
    return [profile.firstName?.value, profile.lastName?.value].filter(Boolean).join(" ") || this.username;
  }

  /** Whether a tenant is the user's home, or they have permissions in it. */
  belongsTo(tenantId) {
    return this.tenantId === tenantId || this.permissions.some((each) => each.startsWith(`${tenantId}::`));
  }

  administers(tenantId) {
    return this.isPlatformOwner || this.permissions.includes(`${tenantId}::admin`);
  }

  /** Whether the user shares a tenant with another one. */
  sees(other) {
    if (this.isPlatformOwner || this.belongsTo(other.tenantId)) return true;
    return other.permissions.some((each) => this.belongsTo(each.split("::", 1)[0]));
  }
}
