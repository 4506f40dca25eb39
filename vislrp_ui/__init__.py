"""What the app's pages share: state of the visit, the door to the engine, theme, widgets and components."""
