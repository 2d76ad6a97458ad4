// The package ships no types. Each of its component modules exports its own class; the wildcard names all that we import.
declare module 'govuk-frontend/dist/govuk/components/*' {
  interface Component {
    readonly moduleName: string
    new (element: Element): object
  }
  export const Button: Component
  export const Checkboxes: Component
  export const ErrorSummary: Component
  export const NotificationBanner: Component
  export const Radios: Component
  export const SkipLink: Component
}
